package endpoint

import (
	"fmt"
	"net/http"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/peer"
	"clientele.dev/clientele/authserver/registry"
)

// holderToken returns the bearer token if it has the form of a registration
// access token: of all others, and at the registrar port, a registrar's is expected.
func holderToken(x *exchange) (string, bool) {
	token, err := bearer(x.r)
	return token, err == nil && x.port != portRegistrar && credential.ValidFormat(token, credential.PrefixRegistrationToken)
}

// updateSelf is PUT /oauth/register/{client_id} (RFC 7592, Section 2.2) by the holder of
// the client's registration access token: what is left out is removed, or set to its
// default. The token stays the same; the answer has it, as Section 3 requires.
//
//  1. the token is one of the client's
//  2. registration is switched on
//  3. the limits
//  4. parse; client_id must be the client's, client_secret its secret
//  5. the rules for its kind of registrant, and the store
func (s *Server) updateSelf(x *exchange, token string) int {
	c, secret, err := s.storeUpdate(x, token)
	if err != nil {
		return s.registrationFailed(x, Caller{}, x.rest, storeError(err))
	}
	s.auditClient(x, audit.ClientUpdated, Caller{}, c.Registration, c.Revision)
	s.Metrics.registrations(string(audit.ClientUpdated))
	return writeJSON(x, http.StatusOK, selfInformation(x, c, secret, credential.Secret(token)))
}

func (s *Server) storeUpdate(x *exchange, token string) (c *registry.Client, secret credential.Secret, err error) {
	// 1.
	old, err := s.heldSelf(x, token)
	if err != nil {
		return nil, "", err
	}
	// 2.
	mode := x.view.Settings.Registration.WithDefaults().Mode
	if mode == RegistrationDisabled || mode == RegistrationAuthenticated && old.Self.By == "" {
		return nil, "", oauth.InsufficientScope("clients of this kind can be read and deleted here, but not changed any more")
	}
	// 3.
	if err = s.withinChangeLimits(x, old); err != nil {
		return nil, "", err
	}
	// 4.
	var asked selfRegistration
	if err = readRegistration(x, &asked); err != nil {
		return nil, "", err
	}
	if asked.ClientID != old.ClientID {
		return nil, "", oauth.InvalidClientMetadata("client_id must equal the one in the URL")
	}
	if asked.ClientSecret != "" && !x.view.serverKeys.MatchAny(old.Secrets, asked.ClientSecret) {
		return nil, "", oauth.InvalidClientMetadata("client_secret cannot be changed: leave it out")
	}
	// 5.
	accepted, err := s.acceptable(x, asked.Registration, old.Self.By != "")
	if err != nil {
		return nil, "", err
	}
	accepted.ClientID = old.ClientID
	secret = credential.NewClientSecret()
	c, fresh, err := s.Registry.UpdateSelf(x.r.Context(), token, registry.SelfRegistration{Registration: accepted, Secret: secret})
	if err == nil && c == nil {
		err = fmt.Errorf("client %s is not served after it was updated", accepted.ClientID)
	}
	if !fresh {
		secret = ""
	}
	return c, secret, err
}

// deleteSelf is DELETE /oauth/register/{client_id} (RFC 7592, Section 2.3) by
// whoever holds the client's registration access token. What was issued to the
// client ends with it.
func (s *Server) deleteSelf(x *exchange, token string) int {
	old, err := s.heldSelf(x, token)
	if err == nil {
		err = s.withinChangeLimits(x, old)
	}
	if err == nil {
		err = s.Registry.DeleteSelf(x.r.Context(), x.rest, token)
	}
	if err != nil {
		return s.registrationFailed(x, Caller{}, x.rest, storeError(err))
	}
	s.auditClient(x, audit.ClientDeleted, Caller{}, oauth.Registration{ClientID: x.rest}, s.Registry.Revision())
	s.Metrics.registrations(string(audit.ClientDeleted))
	return noContent(x)
}

// heldSelf is the client in the URL, whose registration access token the caller
// holds. It is found in memory: guessing tokens reaches neither the store nor the limits
// of others.
func (s *Server) heldSelf(x *exchange, token string) (c *registry.Client, err error) {
	err = s.caughtUp(x.r.Context(), func() (err error) {
		c, err = s.Registry.ReadSelf(x.rest, token)
		return err
	})
	return c, err
}

// withinChangeLimits counts a change of a client by itself, each of which is a
// durable write that all replicas hear of: so many a minute as an address may
// register, for the client and for its address or user, and so many for all together.
// Reading is free: it writes nothing.
func (s *Server) withinChangeLimits(x *exchange, c *registry.Client) error {
	settings, now := x.view.Settings.Registration.WithDefaults(), s.Now()
	name, changes := "address "+peer.Network(s.remoteAddress(x)), &s.selfChanges
	if c.Self.By != "" {
		name, changes = "user "+c.Self.By, &s.userChanges
	}
	wait := changes.take("client "+c.ClientID, settings.PerAddressMinute, now)
	if wait == 0 {
		wait = changes.takeBoth(name, settings.PerAddressMinute, settings.PerMinute, now)
	}
	if wait > 0 {
		return limited(wait, "too many changes of registrations; try again later")
	}
	return nil
}
