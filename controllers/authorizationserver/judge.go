package authorizationserver

import (
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is everything that the status is judged by.
type observed struct {
	now time.Time
	// counted: the AuthorizationServer lies in a namespace that the operator's
	// flag names.
	counted bool
	// managed is what is known of the objects of a Managed server; looked: there has
	// been a look at them.
	managed    managed.State
	looked     bool
	state      registrar.State
	brake      registrar.BrakeState
	store      completeness
	serverKeys serverKeys
	signing    signingKeys
	// selfRegistered counts clients that registered themselves; nil: not known.
	selfRegistered *int64
}

// verdict is a condition in the making.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
	// stalled: only somebody's change helps.
	stalled bool
}

// verdicts are the parts of Ready. Those of a Managed server are zero for others.
type verdicts struct {
	certificate, storage, deployed verdict
	reachable, signing             verdict
	// rollingOut: the server's Pods are being replaced.
	rollingOut bool
}

// judge says what the status is to be. It is pure. What cannot be told at the
// moment, such as the counts of a server that is away, stays as it was told last.
func judge(as *v1alpha1.AuthorizationServer, o observed) v1alpha1.AuthorizationServerStatus {
	next := *as.Status.DeepCopy()
	next.ObservedGeneration = as.Generation
	c := status.NewConditions(next.Conditions, as.Generation, metav1.NewTime(o.now.Truncate(time.Second)))
	set := func(condition string, v verdict) { c.Set(condition, v.status, v.reason, v.message) }
	var ready verdict
	rollingOut := false
	if o.counted {
		v := verdicts{reachable: judgeReachable(o.state), signing: judgeSigning(as, o)}
		if as.Spec.Type == v1alpha1.AuthorizationServerManaged {
			v.certificate, v.storage = judgeCertificate(o), judgeStorage(as, o)
			v.deployed, v.rollingOut = judgeDeployed(as, o)
			set(v1alpha1.ConditionCertificateReady, v.certificate)
			set(v1alpha1.ConditionStorageReady, v.storage)
			set(v1alpha1.ConditionDeployed, v.deployed)
			describeManaged(&next, o)
		} else {
			for _, gone := range managedConditions {
				c.Remove(gone)
			}
			next.Managed = nil
		}
		set(v1alpha1.ConditionServerReachable, v.reachable)
		set(v1alpha1.ConditionSigningKeysReady, v.signing)
		set(v1alpha1.ConditionDeregistrationPaused, judgePaused(as, o.brake))
		judgeComplete(o, c)
		if as.Spec.Users != nil {
			set(v1alpha1.ConditionUsersReady, judgeUsers(as, o.state))
		} else {
			c.Remove(v1alpha1.ConditionUsersReady)
		}
		ready, rollingOut = judgeReady(as, o, v)
		describeServer(&next, o.state)
		describeBundle(as, &next, o)
		if o.selfRegistered != nil {
			next.SelfRegistered = *o.selfRegistered
		}
		describeKeys(&next, o.signing)
	} else {
		others := []string{v1alpha1.ConditionServerReachable, v1alpha1.ConditionSigningKeysReady, v1alpha1.ConditionUsersReady, v1alpha1.ConditionDeregistrationPaused, v1alpha1.ConditionStoreComplete}
		for _, unknown := range slices.Concat(managedConditions, others) {
			c.Remove(unknown)
		}
		next.Managed = nil
		ready = elsewhere(as.Namespace)
	}
	set(v1alpha1.ConditionReady, ready)
	reconciling, stalled := progress(ready, rollingOut)
	c.Progress(reconciling, stalled, ready.message)
	next.Conditions = c.List()
	return next
}

// elsewhere is about one that does not count.
func elsewhere(namespace string) verdict {
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotWatched,
		"the operator's flag --authorization-server-namespaces does not name namespace " + namespace + ": name it there, or make this object in a namespace that it names", true}
}

func judgeReachable(s registrar.State) verdict {
	if s.Err != nil {
		x := registrar.Explain(s.Err)
		return verdict{metav1.ConditionFalse, x.Reason, x.Message, x.Reason == v1alpha1.ReasonInsecureURL}
	}
	if !s.Synced {
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonInventoryPending, "the server's inventory has not been read yet", false}
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonReachable, "the server answers the operator as its registrar", false}
}

func judgePaused(as *v1alpha1.AuthorizationServer, b registrar.BrakeState) verdict {
	if !b.Paused {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonNotPaused, "", false}
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonTooManyDeletions, fmt.Sprintf(
		"%d OAuthClients are gone at once; more than %d in a minute are deregistered only when that is confirmed: kubectl annotate --overwrite -n %s authorizationserver %s %s=%s",
		b.Waiting, b.Limit, as.Namespace, as.Name, v1alpha1.AnnotationConfirmDeregistration, b.Confirm), false}
}

// judgeReady takes over what stands in the way, the most basic first. The flag says that
// Ready is true while Pods are being replaced.
func judgeReady(as *v1alpha1.AuthorizationServer, o observed, v verdicts) (verdict, bool) {
	if o.serverKeys.problem != "" {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, o.serverKeys.problem, true}, false
	}
	for _, part := range []verdict{v.signing, v.reachable} {
		if part.status != metav1.ConditionTrue && part.stalled {
			return part, false
		}
	}
	for _, part := range []verdict{v.certificate, v.storage} {
		if part.status == metav1.ConditionFalse {
			return part, false
		}
	}
	if restarting(as, o, v) {
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonServing, "the server's only Pod is being replaced, which takes a few seconds", false}, true
	}
	if v.deployed.status == metav1.ConditionFalse {
		return v.deployed, false
	}
	for _, part := range []verdict{v.reachable, v.signing} {
		if part.status != metav1.ConditionTrue {
			return part, false
		}
	}
	message := "the server is reachable and has a key that signs"
	if v.rollingOut {
		message += "; " + v.deployed.message
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonServing, message, false}, v.rollingOut
}

// progress gives the reasons of Reconciling and Stalled; empty: not there.
func progress(ready verdict, rollingOut bool) (reconciling, stalled string) {
	switch {
	case ready.stalled:
		return "", ready.reason
	case ready.status == metav1.ConditionTrue && rollingOut:
		return v1alpha1.ReasonProgressing, ""
	case ready.status == metav1.ConditionTrue:
		return "", ""
	case slices.Contains(onTheWay, ready.reason):
		return v1alpha1.ReasonProgressing, ""
	default:
		return v1alpha1.ReasonRetrying, ""
	}
}

// onTheWay are reasons of what ends by itself.
var onTheWay = []string{v1alpha1.ReasonInventoryPending, v1alpha1.ReasonKeysPending, v1alpha1.ReasonProgressing, v1alpha1.ReasonIssuing}

func describeServer(next *v1alpha1.AuthorizationServerStatus, s registrar.State) {
	if s.Endpoints.Issuer != "" {
		e := s.Endpoints
		next.Endpoints = &v1alpha1.ServerEndpoints{
			Token: e.Token, JWKS: e.JWKS, Registration: e.Registration, Revocation: e.Revocation, Introspection: e.Introspection,
			Authorization: e.Authorization, PushedAuthorizationRequest: e.PushedAuthorizationRequest, Userinfo: e.Userinfo,
		}
	}
	if s.Synced {
		next.StoreID, next.Clients, next.Policies = s.StoreID, int64(s.Clients), int64(s.Policies)
	}
}
