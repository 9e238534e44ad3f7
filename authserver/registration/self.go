package registration

import (
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// UsedEvery is how exactly the last use of a client that registered itself is
// known: it is written down at most once in that time.
const UsedEvery = 24 * time.Hour

// SelfRequest is a request of RFC 7591 or RFC 7592 by anybody but a registrar. Who
// may register, and what, was judged before (oauth.ForOpenRegistration).
type SelfRequest struct {
	// Registration that was accepted; ClientID is the one that the server picked,
	// or that of the client to be updated.
	Registration oauth.Registration
	// Secret and Token are keyed hashes of a client secret and a registration
	// access token that the server made for this request. An update uses Secret
	// only where the client has none yet and now needs one, and never Token.
	Secret, Token string
	// By is who registers; empty: anybody.
	By  string
	Now time.Time
}

// Matches says whether a keyed hash is of the registration access token that a
// request brought.
type Matches func(sealed string) bool

// DecideSelf decides on the registration of a client by itself (RFC 7591). The
// server picks the id at random, so one that exists is a failure of the server.
func DecideSelf(req SelfRequest, existing Existing) (store.ClientChange, store.Client, error) {
	if existing.ByID != nil {
		return store.ClientChange{}, store.Client{}, oauth.ServerError("the server could not register the client").WithCause(store.ErrClientIDTaken)
	}
	c := store.Client{
		Registration:      req.Registration,
		RegistrationToken: req.Token,
		Self:              &store.Self{By: req.By},
		Created:           wholeSeconds(req.Now),
		Digest:            req.Registration.Digest(),
	}
	if req.Registration.TokenEndpointAuthMethod.UsesSecret() {
		c.Secrets = []string{req.Secret}
	}
	return store.ClientChange{Put: &c}, c, nil
}

// DecideSelfUpdate decides on an update by the holder of the registration access token
// (RFC 7592, Section 2.2). The token stays the same until the client is deleted, so that
// an update whose answer was lost can be repeated. Consents end with what they were given to
// (oauth.Registration.ConsentPromise): the holder of a stolen token must not inherit them
// for a name, or a place to send people, of its own. What is not the holder's client is
// invalid_token.
func DecideSelfUpdate(req SelfRequest, holds Matches, existing Existing) (store.ClientChange, store.Client, error) {
	old, err := held(holds, existing)
	if err != nil {
		return store.ClientChange{}, store.Client{}, err
	}
	c := old
	c.Registration, c.Digest = req.Registration, req.Registration.Digest()
	switch {
	case !req.Registration.TokenEndpointAuthMethod.UsesSecret():
		c.Secrets = nil
	case len(old.Secrets) == 0:
		c.Secrets = []string{req.Secret}
	}
	return store.ClientChange{Put: &c, EndConsents: c.Registration.ConsentPromise() != old.Registration.ConsentPromise()}, c, nil
}

// DecideSelfDelete decides on the deletion by whoever holds the registration
// access token (RFC 7592, Section 2.3).
func DecideSelfDelete(holds Matches, existing Existing) (store.ClientChange, error) {
	c, err := held(holds, existing)
	if err != nil {
		return store.ClientChange{}, err
	}
	return store.ClientChange{Delete: c.Registration.ClientID}, nil
}

// DecideSelfRevoke decides on the removal of a client that registered itself by a
// registrar, who can do nothing else to it. An absent client is no change; a
// managed one is owner_mismatch.
func DecideSelfRevoke(clientID string, existing Existing) (store.ClientChange, error) {
	switch c := existing.ByID; {
	case c == nil:
		return store.ClientChange{}, nil
	case !existing.IDTampered && c.Self == nil:
		return store.ClientChange{}, oauth.OwnerMismatch("the client did not register itself: delete its OAuthClient")
	case existing.IDTampered && c.Registration.Managed != nil && c.Registration.Managed.Owner.Namespace != "":
		return store.ClientChange{}, oauth.OwnerMismatch("the record names an owner: it is for that owner's registrar")
	}
	return store.ClientChange{Delete: clientID}, nil
}

// DecideSelfUsed notes that a token was issued to a client.
func DecideSelfUsed(now time.Time, existing Existing) store.ClientChange {
	c := existing.self()
	if c == nil || now.Sub(c.Self.Used) < UsedEvery {
		return store.ClientChange{}
	}
	used, self := *c, *c.Self
	self.Used = wholeSeconds(now)
	used.Self = &self
	return store.ClientChange{Put: &used}
}

// DecideSelfExpire removes a client that nobody used for too long; see Expired.
func DecideSelfExpire(now time.Time, unused, idle time.Duration, existing Existing) store.ClientChange {
	c := existing.self()
	if c == nil || !Expired(c.Created, c.Self.Used, now, unused, idle) {
		return store.ClientChange{}
	}
	return store.ClientChange{Delete: c.Registration.ClientID}
}

// Expired says that a client that registered itself was never used since it was
// created, for unused, or not used any more, for idle.
func Expired(created, used, now time.Time, unused, idle time.Duration) bool {
	if used.IsZero() {
		return now.Sub(created) >= unused
	}
	return now.Sub(used) >= idle
}

// self returns the client with the id if it is to be believed and registered
// itself.
func (e Existing) self() *store.Client {
	c := e.believed().ByID
	if c == nil || c.Self == nil || c.Registration.Managed != nil {
		return nil
	}
	return c
}

// held returns the client whose registration access token a request brought.
func held(holds Matches, existing Existing) (store.Client, error) {
	c := existing.self()
	if c == nil || c.RegistrationToken == "" || !holds(c.RegistrationToken) {
		return store.Client{}, NotHeld()
	}
	return *c, nil
}

// NotHeld is the one answer for an absent client, somebody else's, and a wrong
// registration access token (RFC 7592, Section 2.1: 401).
func NotHeld() *oauth.Error {
	return oauth.InvalidToken("there is no such client, or the token is not for it").WithCause(store.ErrNotFound)
}
