package clientauth

import (
	"errors"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// Why a client was refused, for the audit log and never for the caller.
var (
	ErrUnknownClient = registry.ErrUnknownClient
	ErrWrongSecret   = errors.New("wrong secret")
	ErrWrongMethod   = errors.New("not the registered token_endpoint_auth_method")
	ErrDisabled      = errors.New("client is disabled")
)

// Verifier holds what was presented against the registered clients. It is
// immutable; a new one is made when the server keys change.
type Verifier struct {
	keys    credential.ServerKeys
	clients func(clientID string) (*registry.Client, bool)
	// decoy stands in for the secrets of a client that does not exist, so that
	// an unknown client costs the same work as a wrong secret.
	decoy []string
}

// NewVerifier makes a Verifier. clients must not block.
func NewVerifier(keys credential.ServerKeys, clients func(clientID string) (*registry.Client, bool)) *Verifier {
	// The hash of a name that is no secret: nothing that NewClientSecret can
	// make hashes to it.
	decoy := keys.Seal(credential.Hash("clientele: no such client"))
	return &Verifier{keys: keys, clients: clients, decoy: []string{decoy}}
}

// Verify returns the client that p authenticates, or an *oauth.Error with code
// invalid_client whose cause is one of this package's errors. The method must
// be the registered one: discovery and registration tell the truth.
func (v *Verifier) Verify(p Presented) (*registry.Client, error) {
	client, known := v.clients(p.ClientID)
	secrets := v.decoy
	if known && len(client.Secrets) > 0 {
		secrets = client.Secrets
	}
	match := v.keys.MatchAny(secrets, p.Secret.Reveal())
	// The secret has been compared in every case before any of these answers.
	switch {
	case !known:
		return nil, refuse(ErrUnknownClient)
	case client.Public() && p.Method == oauth.AuthNone:
		// Nothing to compare (RFC 6749, Section 2.1).
	case !match || len(client.Secrets) == 0:
		return nil, refuse(ErrWrongSecret)
	}
	switch {
	case client.TokenEndpointAuthMethod != p.Method:
		return nil, refuse(ErrWrongMethod)
	case client.Managed != nil && client.Managed.Disabled:
		return nil, refuse(ErrDisabled)
	}
	return client, nil
}

func refuse(cause error) error {
	return oauth.InvalidClient("client authentication failed").WithCause(cause)
}
