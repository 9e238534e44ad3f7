package oauthclient

import (
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is what the steps saw, and all that a status is made of.
type observed struct {
	now        metav1.Time
	generation int64
	server     v1alpha1.ServerReference
	clientID   string
	secretName string
	disabled   bool
	// recorded: issued, previousExpires and handledRotate are known.
	recorded        bool
	issued          time.Time
	previousExpires time.Time
	handledRotate   string
	// projected: the credentials Secret holds what the record says.
	projected   bool
	scopesKnown bool
	scopes      []v1alpha1.ScopeResult
	// pkce: spec.pkce asks for the exception; allowedKnown: it is known whether
	// the platform permits it, and pkceExempt is the answer.
	pkce, allowedKnown, pkceExempt bool
	// access names the NamespaceAccesses that count; it is known as allowedKnown is.
	access []string
	// nobodySignsIn: the client acts for users, and the server has none.
	nobodySignsIn bool
	problem       *problem
}

func (p *pass) observe() observed {
	o := observed{
		now:          metav1.NewTime(p.now.Truncate(time.Second)),
		generation:   p.client.Generation,
		server:       v1alpha1.ServerReference{Namespace: p.serverKey.Namespace, Name: p.serverKey.Name},
		clientID:     clientID(p.client),
		secretName:   secretName(p.client),
		disabled:     p.client.Spec.Disabled,
		projected:    p.projected,
		scopesKnown:  p.scopesKnown,
		scopes:       p.scopes,
		pkce:         p.client.Spec.PKCE == v1alpha1.PKCEOptional,
		allowedKnown: p.namespaceLabels != nil,
		pkceExempt:   p.pkceExempt(),
		access:       p.rights.Names(),
		problem:      p.problem,

		nobodySignsIn: forUsers(&p.client.Spec) && p.as != nil && p.as.Spec.Users == nil,
	}
	if p.record != nil {
		o.recorded = true
		if !p.record.Public {
			o.issued = p.record.State.Issued
		}
		o.previousExpires = p.cutDate()
		o.handledRotate = p.record.State.HandledRotate
	}
	return o
}

// judge turns what was observed into a status. It is pure.
func judge(o observed, old v1alpha1.OAuthClientStatus) v1alpha1.OAuthClientStatus {
	if o.problem != nil && o.problem.quiet && settled(o, old) {
		return withRecord(o, old)
	}
	s := withRecord(o, old)
	s.ObservedGeneration = o.generation
	s.ServerRef = &o.server
	if o.allowedKnown {
		s.Access = o.access
	}
	conditions := status.NewConditions(old.Conditions, o.generation, o.now)
	ready(o, conditions)
	if o.scopesKnown {
		s.Scopes = o.scopes
	}
	scopesGranted(o, conditions)
	pkceOptional(o, conditions)
	s.Conditions = conditions.List()
	return s
}

// settled says whether the status already tells of this generation.
func settled(o observed, old v1alpha1.OAuthClientStatus) bool {
	return old.ObservedGeneration == o.generation && len(old.Conditions) > 0
}

// withRecord takes over what is known of the registration and the credentials.
func withRecord(o observed, old v1alpha1.OAuthClientStatus) v1alpha1.OAuthClientStatus {
	s := old
	if o.recorded {
		s.ClientID = o.clientID
		s.SecretIssued = timeOrNil(o.issued)
		s.PreviousSecretExpires = timeOrNil(o.previousExpires)
		s.HandledRotateSecret = firstRunes(o.handledRotate, 256)
	}
	if o.projected {
		s.CredentialsSecret = o.secretName
	}
	return s
}

func timeOrNil(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	m := metav1.NewTime(t.Truncate(time.Second))
	return &m
}

// firstRunes keeps to a maximal length of the schema, which counts characters.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func ready(o observed, c *status.Conditions) {
	p := o.problem
	switch {
	case p == nil && o.disabled:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonDisabled, "spec.disabled is true: the server refuses the client everywhere")
		c.Progress("", "", "")
	case p == nil:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepted, acceptedMessage(o))
		c.Progress("", "", "")
	case p.stalled && p.liftable:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, p.reason, p.message)
		c.Refuse(p.reason, p.message)
	case p.stalled:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, p.reason, p.message)
		c.Progress("", p.reason, p.message)
	default:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, p.reason, p.message)
		c.Progress(v1alpha1.ReasonRetrying, "", p.message)
	}
}

func acceptedMessage(o observed) string {
	text := fmt.Sprintf("the server accepts client %s; its credentials are in Secret %s", o.clientID, o.secretName)
	if o.nobodySignsIn {
		text += fmt.Sprintf("; but nobody can sign in at AuthorizationServer %s/%s (it has no spec.users), so that there are no authorization codes",
			o.server.Namespace, o.server.Name)
	}
	return text
}

func scopesGranted(o observed, c *status.Conditions) {
	granted := 0
	for _, s := range o.scopes {
		if s.Granted {
			granted++
		}
	}
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.Set(v1alpha1.ConditionScopesGranted, status, reason, message)
	}
	switch {
	case !o.scopesKnown:
		set(metav1.ConditionUnknown, v1alpha1.ReasonScopesUnknown, "the policies of the server are not known yet")
	case len(o.scopes) == 0:
		set(metav1.ConditionTrue, v1alpha1.ReasonNoScopes, "no scope is asked for")
	case granted == len(o.scopes):
		set(metav1.ConditionTrue, v1alpha1.ReasonAllGranted, "")
	case granted == 0:
		set(metav1.ConditionFalse, v1alpha1.ReasonNoneGranted, "none of the scopes is granted; status.scopes says why")
	default:
		set(metav1.ConditionFalse, v1alpha1.ReasonSomeDenied,
			fmt.Sprintf("%d of %d scopes are not granted; status.scopes says why", len(o.scopes)-granted, len(o.scopes)))
	}
}

// pkceOptional tells whether the exception is in force, where it is asked for.
func pkceOptional(o observed, c *status.Conditions) {
	set := func(status metav1.ConditionStatus, reason, message string) {
		c.Set(v1alpha1.ConditionPKCEOptional, status, reason, message)
	}
	switch {
	case !o.pkce:
		c.Remove(v1alpha1.ConditionPKCEOptional)
	case !o.allowedKnown:
		set(metav1.ConditionUnknown, v1alpha1.ReasonExceptionUnknown, "what the NamespaceAccesses permit is not known yet")
	case o.pkceExempt:
		set(metav1.ConditionTrue, v1alpha1.ReasonExceptionInForce, "the client may do without PKCE; give it PKCE as soon as it can, and set spec.pkce to Required")
	default:
		set(metav1.ConditionFalse, v1alpha1.ReasonExceptionNotAllowed,
			"PKCE is required all the same: the exception needs a NamespaceAccess of the AuthorizationServer that matches this namespace, has spec.clients.pkceOptional true, and whose own spec.clients.redirectHosts cover all redirect URIs of this client")
	}
}

func sameStatus(a, b v1alpha1.OAuthClientStatus) bool {
	return equality.Semantic.DeepEqual(a, b)
}
