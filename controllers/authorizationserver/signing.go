package authorizationserver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxHandled is the schema's bound of status.handledRotateKeys.
const maxHandled = 256

// signers are the keys that sign, each told what for: one for both kinds of
// tokens, or one for each.
type signers struct {
	access, identity keys.Key
	// pending is the algorithm that has no key which signs yet, though it was
	// asked for; empty: there is none.
	pending string
}

// signersOf says which keys sign, by the same rule as the server; false: none.
func signersOf(as *v1alpha1.AuthorizationServer, set keys.Set) (signers, bool) {
	wantAccess := cmp.Or(string(as.Spec.Signing.AccessTokenAlgorithm), keys.ES256)
	wantIdentity := cmp.Or(string(as.Spec.Signing.IDTokenAlgorithm), keys.RS256)
	access, ok := set.Signing(wantAccess)
	if !ok {
		return signers{}, false
	}
	identity, _ := set.Signing(wantIdentity)
	s := signers{access: access, identity: identity}
	switch {
	case access.Algorithm != wantAccess:
		s.pending = wantAccess
	case identity.Algorithm != wantIdentity:
		s.pending = wantIdentity
	}
	return s, true
}

// String says which key signs what.
func (s signers) String() string {
	if s.access.KID == s.identity.KID {
		return fmt.Sprintf("%s key %s signs", s.access.Algorithm, s.access.KID)
	}
	return fmt.Sprintf("%s key %s signs access tokens, %s key %s ID tokens",
		s.access.Algorithm, s.access.KID, s.identity.Algorithm, s.identity.KID)
}

func judgeSigning(as *v1alpha1.AuthorizationServer, o observed) verdict {
	if o.signing.problem != "" && (o.signing.present || o.signing.foreign) {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, o.signing.problem, true}
	}
	s, ok := signersOf(as, o.signing.set)
	if !ok {
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonKeysPending, "no key signs yet", false}
	}
	due, _ := rotationDue(as, o.signing)
	asked := as.Annotations[v1alpha1.AnnotationRotateSigningKeys]
	rotating := !o.now.Before(due) || asked != "" && asked != o.signing.handled
	switch {
	case !rotating && s.pending == "":
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonKeysActive, s.String(), false}
	case o.state.Err != nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonReplicasUnknown,
			"a rotation is due and waits until the server tells which of its replicas serve the next key", false}
	case s.pending != "":
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonRotating,
			s.String() + "; the " + s.pending + " key that is asked for begins once every replica has served it for the JWKS cache time", false}
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonRotating,
		s.String() + "; the next one takes over once every replica has served it for the JWKS cache time", false}
}

// rotationDue is when the first of the keys that sign has signed for long enough.
func rotationDue(as *v1alpha1.AuthorizationServer, k signingKeys) (time.Time, bool) {
	s, ok := signersOf(as, k.set)
	if !ok {
		return time.Time{}, false
	}
	first := *s.access.Activated
	if s.identity.Activated.Before(first) {
		first = *s.identity.Activated
	}
	return first.Add(as.Spec.Signing.RotateEvery.Duration), true
}

// describeKeys lists the keys, the active ones first, then by age.
func describeKeys(next *v1alpha1.AuthorizationServerStatus, k signingKeys) {
	if !k.present || k.problem != "" {
		return
	}
	next.HandledRotateKeys = strings.ToValidUTF8(k.handled[:min(len(k.handled), maxHandled)], "")
	next.SigningKeys = nil
	sorted := slices.Clone(k.set.Keys)
	slices.SortStableFunc(sorted, func(a, b keys.Key) int {
		return cmp.Or(cmp.Compare(rank(a.Phase), rank(b.Phase)), a.Created.Compare(b.Created))
	})
	for _, key := range sorted {
		next.SigningKeys = append(next.SigningKeys, v1alpha1.SigningKeyStatus{
			KID: key.KID, Algorithm: v1alpha1.SigningAlgorithm(key.Algorithm), Phase: v1alpha1.SigningKeyPhase(key.Phase),
			Created: metav1.NewTime(key.Created.Truncate(time.Second)), Activated: seconds(key.Activated), Retired: seconds(key.Retired),
		})
	}
}

func rank(p keys.Phase) int {
	return slices.Index([]keys.Phase{keys.Active, keys.Published, keys.Retiring}, p)
}

// seconds is t as the API keeps it, so that equal times compare equal.
func seconds(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return &metav1.Time{Time: t.Truncate(time.Second)}
}
