package signingkey

import (
	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	corev1 "k8s.io/api/core/v1"
)

// Reasons of events on an AuthorizationServer.
const (
	// eventLost surfaces when the Secret with the keys was deleted and new ones
	// had to be made: tokens that are out do not verify any more.
	eventLost = "SigningKeysLost"
	// eventRotated surfaces when a key takes over from another.
	eventRotated = "SigningKeyRotated"
)

// tell writes events of what people want to know: a key took over, or all were
// lost. The first key of a server is no news.
func (r *Reconciler) tell(as *v1alpha1.AuthorizationServer, before kept, changes []keys.Event) {
	if before.secret == nil {
		if len(as.Status.SigningKeys) > 0 {
			r.Recorder.Eventf(as, nil, corev1.EventTypeWarning, eventLost, "MakeKeys",
				"Secret %s was deleted; new signing keys were made, and tokens signed with the old ones do not verify any more", secretName(as).Name)
		}
		return
	}
	for _, c := range changes {
		if c.Type == keys.EventActivated {
			r.Recorder.Eventf(as, nil, corev1.EventTypeNormal, eventRotated, "Rotate",
				"%s key %s signs from now on", c.Algorithm, c.KID)
		}
	}
}
