package authorizationserver

import (
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is everything that the status is judged by.
type observed struct {
	now time.Time
	// counted: the AuthorizationServer lies in a namespace that the operator's
	// flag names.
	counted    bool
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

// judge says what the status is to be. It is pure. What cannot be told at the
// moment, such as the counts of a server that is away, stays as it was told last.
func judge(as *v1alpha1.AuthorizationServer, o observed) v1alpha1.AuthorizationServerStatus {
	next := *as.Status.DeepCopy()
	next.ObservedGeneration = as.Generation
	c := status.NewConditions(next.Conditions, as.Generation, metav1.NewTime(o.now.Truncate(time.Second)))
	set := func(condition string, v verdict) { c.Set(condition, v.status, v.reason, v.message) }
	var ready verdict
	if o.counted {
		reachable, signing := judgeReachable(o.state), judgeSigning(as, o)
		set(v1alpha1.ConditionServerReachable, reachable)
		set(v1alpha1.ConditionSigningKeysReady, signing)
		set(v1alpha1.ConditionDeregistrationPaused, judgePaused(as, o.brake))
		judgeComplete(o, c)
		if as.Spec.Users != nil {
			set(v1alpha1.ConditionUsersReady, judgeUsers(as, o.state))
		} else {
			c.Remove(v1alpha1.ConditionUsersReady)
		}
		ready = judgeReady(o, reachable, signing)
		describeServer(&next, o.state)
		if o.selfRegistered != nil {
			next.SelfRegistered = *o.selfRegistered
		}
		describeKeys(&next, o.signing)
	} else {
		for _, unknown := range []string{v1alpha1.ConditionServerReachable, v1alpha1.ConditionSigningKeysReady, v1alpha1.ConditionUsersReady, v1alpha1.ConditionDeregistrationPaused, v1alpha1.ConditionStoreComplete} {
			c.Remove(unknown)
		}
		ready = elsewhere(as.Namespace)
	}
	set(v1alpha1.ConditionReady, ready)
	reconciling, stalled := progress(ready)
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

// judgeReady takes over what stands in the way, the most basic first.
func judgeReady(o observed, reachable, signing verdict) verdict {
	if o.serverKeys.problem != "" {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, o.serverKeys.problem, true}
	}
	for _, v := range []verdict{signing, reachable} {
		if v.status != metav1.ConditionTrue && v.stalled {
			return v
		}
	}
	for _, v := range []verdict{reachable, signing} {
		if v.status != metav1.ConditionTrue {
			return v
		}
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonServing, "the server is reachable and has a key that signs", false}
}

// progress gives the reasons of Reconciling and Stalled; empty: not there.
func progress(ready verdict) (reconciling, stalled string) {
	switch {
	case ready.stalled:
		return "", ready.reason
	case ready.status == metav1.ConditionTrue:
		return "", ""
	case ready.reason == v1alpha1.ReasonInventoryPending || ready.reason == v1alpha1.ReasonKeysPending:
		return v1alpha1.ReasonProgressing, ""
	default:
		return v1alpha1.ReasonRetrying, ""
	}
}

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
