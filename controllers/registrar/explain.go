package registrar

import (
	"errors"
	"net/http"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
)

// Explanation says what an error of this package means for the object that is
// reconciled: which reason its condition has, and whether trying again helps.
type Explanation struct {
	// Reason is a reason of Ready in package v1alpha1.
	Reason string
	// Message is for people. It holds no secret.
	Message string
	// Terminal: trying again does not help until somebody changes something.
	Terminal bool
	// RetryAfter is what the server asked for; zero: the usual backoff.
	RetryAfter time.Duration
}

// Explain explains an error. An error of anything else than this package is
// explained as ServerError.
func Explain(err error) Explanation {
	var status *StatusError
	if errors.As(err, &status) {
		return explainStatus(status)
	}
	if errors.Is(err, oauth.ErrProtocolTooOld) {
		return Explanation{Reason: v1alpha1.ReasonServerTooOld, Message: err.Error() + ". Upgrade the server to the operator's release, or to the one before"}
	}
	if errors.Is(err, oauth.ErrProtocolTooNew) {
		return Explanation{Reason: v1alpha1.ReasonServerTooNew, Message: err.Error() + ". Upgrade the operator to the server's release, or to the one before"}
	}
	for _, known := range []struct {
		err    error
		reason string
	}{
		{ErrNotSynced, v1alpha1.ReasonServerNotReady},
		{ErrToken, v1alpha1.ReasonRegistrarTokenRefused},
		{ErrCABundle, v1alpha1.ReasonCABundleInvalid},
		{ErrInsecure, v1alpha1.ReasonInsecureURL},
		{ErrIssuer, v1alpha1.ReasonIssuerMismatch},
		{ErrMetadata, v1alpha1.ReasonMetadataInvalid},
		{ErrGarbage, v1alpha1.ReasonServerError},
		{ErrUnreachable, v1alpha1.ReasonServerUnreachable},
	} {
		if errors.Is(err, known.err) {
			return Explanation{Reason: known.reason, Message: err.Error()}
		}
	}
	return Explanation{Reason: v1alpha1.ReasonServerError, Message: err.Error()}
}

func explainStatus(e *StatusError) Explanation {
	x := Explanation{Message: e.Error(), RetryAfter: e.RetryAfter}
	switch {
	case e.Code == oauth.CodeClientIDTaken:
		x.Reason, x.Terminal = v1alpha1.ReasonClientIDTaken, true
	case e.Status == http.StatusBadRequest:
		x.Reason, x.Terminal = v1alpha1.ReasonRejected, true
	case e.Status == http.StatusUnauthorized:
		x.Reason = v1alpha1.ReasonRegistrarUnauthorized
		x.Message += "; the server does not accept the operator's ServiceAccount token"
	case e.Status == http.StatusForbidden:
		x.Reason = v1alpha1.ReasonRegistrarForbidden
		x.Message += "; the operator's ServiceAccount needs the verb manage on this authorizationserver"
	case e.Status == http.StatusNotFound:
		x.Reason = v1alpha1.ReasonRegistrationNotFound
		x.Message += "; is this the address of the authorization server?"
	case e.Status == http.StatusConflict:
		x.Reason = v1alpha1.ReasonStale
	case e.Status == http.StatusTooManyRequests:
		x.Reason = v1alpha1.ReasonServerThrottled
	case e.Status >= 500:
		x.Reason = v1alpha1.ReasonServerError
	default:
		x.Reason = v1alpha1.ReasonServerError
	}
	return x
}
