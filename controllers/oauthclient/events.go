package oauthclient

import (
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reasons of events on an OAuthClient that tell what the operator did. Those that
// tell of a condition have its reason.
const (
	// eventRotated surfaces when the client secret was rotated because the
	// annotation asked for it; a rotation on schedule is no news.
	eventRotated = "SecretRotated"
	// eventReplaced surfaces when the registration Secret was deleted or damaged,
	// so that the client has a new secret, and the old one is refused.
	eventReplaced = "SecretReplaced"
	// eventRepaired surfaces when the credentials Secret was deleted or edited and
	// is as it was.
	eventRepaired = "CredentialsRepaired"
	// eventRegisteredAgain surfaces when the server had lost the client, or changed
	// it behind the operator's back, and has it back.
	eventRegisteredAgain = "RegisteredAgain"
)

// The actions of events.
const (
	actionRegister     = "Register"
	actionDecideScopes = "DecideScopes"
	actionPermitPKCE   = "PermitException"
	actionRotate       = "Rotate"
	actionRepair       = "Repair"
	actionDeregister   = "Deregister"
)

// toldConditions are the conditions whose failures are told in events.
var toldConditions = []notice.Condition{
	{
		Type: v1alpha1.ConditionReady, Action: actionRegister, Bad: metav1.ConditionFalse,
		Fine: []string{v1alpha1.ReasonRegistering},
	},
	{Type: v1alpha1.ConditionScopesGranted, Action: actionDecideScopes, Bad: metav1.ConditionFalse},
	{Type: v1alpha1.ConditionPKCEOptional, Action: actionPermitPKCE, Bad: metav1.ConditionFalse},
}

// did notes what is told at the end of the pass.
func (p *pass) did(eventType, reason, action, format string, args ...any) {
	p.news = append(p.news, notice.Notice{Type: eventType, Reason: reason, Action: action, Note: fmt.Sprintf(format, args...)})
}

func (p *pass) didRotate(expires time.Time) {
	p.did(corev1.EventTypeNormal, eventRotated, actionRotate,
		"the client secret was rotated, as annotation %s asks; the one before is valid until %s",
		v1alpha1.AnnotationRotateSecret, expires.UTC().Format(time.RFC3339))
}

// didReplace: what happened to the registration Secret.
func (p *pass) didReplace(record types.NamespacedName, what string) {
	p.replaced = true
	text := "it is made anew"
	if !public(p.client) {
		text = "the client has a new secret, and the one before is refused"
	}
	p.did(corev1.EventTypeWarning, eventReplaced, actionRepair, "Secret %s, which holds the registration, was %s: %s", record, what, text)
}

// didRepair: what happened to the credentials Secret.
func (p *pass) didRepair(name, what string) {
	p.did(corev1.EventTypeNormal, eventRepaired, actionRepair, "Secret %s was %s; it is back as it was", name, what)
}

func (p *pass) didRegisterAgain() {
	p.did(corev1.EventTypeWarning, eventRegisteredAgain, actionRegister,
		"AuthorizationServer %s had lost the client, or had another than was registered; it is registered again, with the same id and secret", p.serverKey)
}

// tell writes the events of a pass.
func (r *Reconciler) tell(p *pass) {
	for _, n := range p.news {
		r.board.Tell(p.client, n)
	}
}
