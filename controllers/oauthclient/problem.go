package oauthclient

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// How long until an object is looked at again for which an event is awaited that
// should come by itself, and for which there may be none.
const (
	safetyNet    = 10 * time.Minute
	lookAgain    = 30 * time.Second
	shortRequeue = 50 * time.Millisecond
)

// problem is what stands in the way of a true Ready.
type problem struct {
	reason  string
	message string
	// stalled: nothing more will happen until somebody changes something. liftable: that
	// may be another object than this one, which may be part of the same release.
	stalled, liftable bool
	// quiet: it says nothing about an object whose status is settled, so the
	// status stays as it is (the operator has just started, say).
	quiet bool
	// outdated: what was read is not what there is, so nothing is written by it.
	outdated bool
	outcome  outcome.Outcome
	// crashed: a test stopped the operator here; nothing more is done.
	crashed error
}

func crashed(err error) *problem { return &problem{crashed: err} }

func stalled(reason, format string, args ...any) *problem {
	return &problem{reason: reason, message: fmt.Sprintf(format, args...), stalled: true, outcome: outcome.Stall(lookAgain)}
}

// liftable marks a stalled problem that the change of another object can end.
func liftable(p *problem) *problem {
	p.liftable = true
	return p
}

// fromServer is the problem that an error of the registrar means.
func fromServer(err error) *problem {
	x := registrar.Explain(err)
	p := &problem{reason: x.Reason, message: x.Message, stalled: x.Terminal, outcome: outcome.Retry()}
	switch {
	case x.Reason == v1alpha1.ReasonClientIDTaken:
		// Its owner may release it, and no event tells of that.
		p.liftable, p.outcome = true, outcome.Stall(lookAgain)
	case x.Terminal:
		p.outcome = outcome.Stall(safetyNet)
	case x.RetryAfter > 0:
		p.outcome = outcome.RetryAfter(x.RetryAfter)
	}
	return p
}

// fromKubernetes is the problem that an error of the API server means; doing says
// at what it came.
func fromKubernetes(err error, doing string) *problem {
	message := fmt.Sprintf("cannot %s: %s", doing, apiMessage(err))
	switch {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		// Somebody else wrote first; the cache will show it in a moment.
		return &problem{reason: v1alpha1.ReasonRegistering, message: message, quiet: true, outcome: outcome.Retry()}
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return &problem{reason: v1alpha1.ReasonAPIServerError, message: message, quiet: true, outcome: outcome.Wait(lookAgain)}
	case apierrors.IsForbidden(err):
		return &problem{reason: v1alpha1.ReasonSecretsForbidden, message: message, outcome: outcome.Retry()}
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok && seconds > 0 {
		return &problem{reason: v1alpha1.ReasonAPIServerError, message: message, outcome: outcome.RetryAfter(time.Duration(seconds) * time.Second)}
	}
	return &problem{reason: v1alpha1.ReasonAPIServerError, message: message, outcome: outcome.Retry()}
}

// behind is the problem that the cache does not show a Secret yet.
func behind(what string) *problem {
	return &problem{reason: v1alpha1.ReasonRegistering, message: "the operator's cache does not show " + what + " yet", quiet: true, outcome: outcome.Retry()}
}

// apiMessage is what the API server said. An invalid Secret would be quoted with
// its data, so of that only the fields are told.
func apiMessage(err error) string {
	var api apierrors.APIStatus
	if !errors.As(err, &api) || !apierrors.IsInvalid(err) {
		return err.Error()
	}
	fields := []string{}
	if d := api.Status().Details; d != nil {
		for _, cause := range d.Causes {
			fields = append(fields, cause.Field)
		}
	}
	return "the API server finds these fields invalid: " + strings.Join(fields, ", ")
}
