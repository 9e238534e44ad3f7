package oauthclient

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The registration Secret.
const (
	registrationType corev1.SecretType = "oauth.clientele.dev/registration"
	// labelServer names the AuthorizationServer, which lies in the same namespace.
	labelServer = "oauth.clientele.dev/server"

	keyClientID       = "client_id"
	keyToken          = "registration_access_token"
	keyURI            = "registration_client_uri"
	keySecret         = "client_secret"
	keySecretNext     = "client_secret_next"
	keySecretPrevious = "client_secret_previous"
	keyState          = "state.json"
)

// record is a registration Secret in words: the truth about one client.
type record struct {
	Owner    types.NamespacedName
	OwnerUID string
	ClientID string
	Token    credential.Secret
	URI      string
	// Current is handed out; Next is registered, or about to be, and not handed
	// out yet; Previous is valid until it expires.
	Current, Next, Previous credential.Secret
	State                   state

	// Public: the client has no secret; Current, Next and Previous are empty.
	Public bool

	// secret is the Secret as it was read, nil if there is none yet. It is not
	// changed.
	secret *corev1.Secret
}

// state is the part of a record that is no secret.
type state struct {
	// Version of this format.
	Version int `json:"version"`
	// Counter grows with every change of the set of secrets.
	Counter int64 `json:"counter"`
	// Issued is when Current was made the current one.
	Issued time.Time `json:"issued"`
	// PreviousExpires is when Previous is cut.
	PreviousExpires time.Time `json:"previousExpires,omitzero"`
	// HandledRotate is the last value of the annotation rotate-secret that was
	// acted on; PendingRotate is the one that Next is made for.
	HandledRotate string `json:"handledRotate,omitempty"`
	PendingRotate string `json:"pendingRotate,omitempty"`
	// DeletionPolicy as the OAuthClient had it last.
	DeletionPolicy v1alpha1.DeletionPolicy `json:"deletionPolicy,omitempty"`
	// Orphaned: the OAuthClient is gone and the client stays. Registration is
	// what the server then held, to bring it back should the server lose it.
	Orphaned     bool                `json:"orphaned,omitempty"`
	Registration *oauth.Registration `json:"registration,omitempty"`
	// RedirectURIs are those that count against the quota of the namespace: the last
	// of the OAuthClient that the quota permitted.
	RedirectURIs []string `json:"redirectURIs,omitempty"`
	// Adopted is the uid of the orphaned incarnation that was taken over.
	Adopted string `json:"adopted,omitempty"`
}

const stateVersion = 1

// recordName is the name of the registration Secret. It does not tell the
// owner's name in full, for that may be as long as a Secret's.
func recordName(server string, owner types.NamespacedName) string {
	sum := sha256.Sum256([]byte(server + "/" + owner.Namespace + "/" + owner.Name))
	return "oac-" + hex.EncodeToString(sum[:10])
}

// newRecord makes the record of a client that was never registered.
func newRecord(oac *v1alpha1.OAuthClient, now time.Time) *record {
	r := &record{
		Owner:    types.NamespacedName{Namespace: oac.Namespace, Name: oac.Name},
		OwnerUID: string(oac.UID),
		ClientID: clientID(oac),
		Token:    credential.NewRegistrationToken(),
		Public:   public(oac),
		State: state{
			Version:        stateVersion,
			Counter:        1,
			Issued:         now,
			HandledRotate:  oac.Annotations[v1alpha1.AnnotationRotateSecret],
			DeletionPolicy: oac.Spec.DeletionPolicy,
			RedirectURIs:   oac.Spec.RedirectURIs,
		},
	}
	r.newSecret()
	return r
}

// newSecret makes a secret, the only one from now on; none for a public client.
func (r *record) newSecret() {
	r.Current, r.Next, r.Previous = "", "", ""
	r.State.PreviousExpires, r.State.PendingRotate = time.Time{}, ""
	if !r.Public {
		r.Current = credential.NewClientSecret()
	}
}

// readRecord reads a registration Secret. What is missing or damaged stays
// empty; heal sees to it.
func readRecord(s *corev1.Secret) *record {
	r := &record{
		Owner:    ownerOf(s),
		OwnerUID: s.Annotations[v1alpha1.AnnotationOwnerUID],
		ClientID: string(s.Data[keyClientID]),
		Token:    credential.Secret(s.Data[keyToken]),
		URI:      string(s.Data[keyURI]),
		Current:  credential.Secret(s.Data[keySecret]),
		Next:     credential.Secret(s.Data[keySecretNext]),
		Previous: credential.Secret(s.Data[keySecretPrevious]),
		secret:   s,
	}
	if json.Unmarshal(s.Data[keyState], &r.State) != nil {
		r.State = state{}
	}
	return r
}

// heal fills in what a damaged record lacks, takes the secrets out of one whose
// client became public, and says whether it did something. A counter that was lost is learnt from the server, which refuses a
// lower one.
func (r *record) heal(now time.Time) bool {
	healed := false
	if r.Public && len(r.hashes()) > 0 {
		r.newSecret()
		healed = true
	}
	if !r.Public && !credential.ValidFormat(r.Current.Reveal(), credential.PrefixClientSecret) {
		r.Current, healed = credential.NewClientSecret(), true
		r.State.Issued = now
	}
	if !credential.ValidFormat(r.Token.Reveal(), credential.PrefixRegistrationToken) {
		r.Token, healed = credential.NewRegistrationToken(), true
	}
	if r.State.Version == 0 {
		r.State.Version, healed = stateVersion, true
		r.State.Issued = now
	}
	if r.Previous != "" && r.State.PreviousExpires.IsZero() {
		r.State.PreviousExpires, healed = now, true
	}
	if healed {
		r.State.Counter++
	}
	return healed
}

// admitted are those of some redirect URIs that the quota permitted.
func (r *record) admitted(uris []string) []string {
	var out []string
	for _, uri := range uris {
		if slices.Contains(r.State.RedirectURIs, uri) {
			out = append(out, uri)
		}
	}
	return out
}

// clone is a copy that may be changed while the old one stays what was read.
func (r *record) clone() *record {
	c := *r
	return &c
}

// hashes is the full set of secrets that are valid from now on, sorted.
func (r *record) hashes() []string {
	var hashes []string
	for _, s := range []credential.Secret{r.Current, r.Next, r.Previous} {
		if s != "" {
			hashes = append(hashes, credential.Hash(s.Reveal()))
		}
	}
	slices.Sort(hashes)
	return hashes
}

// toSecret is the Secret of the record, ready to be created or updated.
func (r *record) toSecret(server types.NamespacedName) (*corev1.Secret, error) {
	text, err := json.Marshal(r.State)
	if err != nil {
		return nil, fmt.Errorf("encode the state of the registration: %w", err)
	}
	s := &corev1.Secret{Type: registrationType}
	if r.secret != nil {
		s.ObjectMeta = *r.secret.ObjectMeta.DeepCopy()
		s.Type = r.secret.Type
	}
	s.Namespace, s.Name = server.Namespace, recordName(server.Name, r.Owner)
	metav1.SetMetaDataLabel(&s.ObjectMeta, v1alpha1.LabelSecretKind, v1alpha1.SecretKindRegistration)
	metav1.SetMetaDataLabel(&s.ObjectMeta, labelServer, labelValue(server.Name))
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, v1alpha1.AnnotationOwner, r.Owner.String())
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, v1alpha1.AnnotationOwnerUID, r.OwnerUID)
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, labelServer, server.Name)
	s.Data = map[string][]byte{
		keyClientID: []byte(r.ClientID),
		keyToken:    []byte(r.Token.Reveal()),
		keyURI:      []byte(r.URI),
		keyState:    text,
	}
	if r.Current != "" {
		s.Data[keySecret] = []byte(r.Current.Reveal())
	}
	if r.Next != "" {
		s.Data[keySecretNext] = []byte(r.Next.Reveal())
	}
	if r.Previous != "" {
		s.Data[keySecretPrevious] = []byte(r.Previous.Reveal())
	}
	return s, nil
}

// labelValue cuts a server's name to the length of a label value; the full name
// is in an annotation of the same key.
func labelValue(name string) string {
	if len(name) <= 63 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// ownerOf reads the owner that a Secret of ours names; zero if none.
func ownerOf(s metav1.Object) types.NamespacedName {
	return parseKey(s.GetAnnotations()[v1alpha1.AnnotationOwner])
}

// serverOf is the AuthorizationServer of a registration Secret.
func serverOf(s metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: s.GetNamespace(), Name: s.GetAnnotations()[labelServer]}
}
