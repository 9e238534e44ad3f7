package endpoint

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/peer"
	"clientele.dev/clientele/authserver/registry"
)

// selfRegistration is the body of a request by anybody but a registrar.
type selfRegistration struct {
	oauth.Registration
	// ClientSecret may come back in an update, unchanged (RFC 7592, Section 2.2).
	ClientSecret string `json:"client_secret"`
}

// registerSelf is POST /oauth/register (RFC 7591, Section 3.1) by anybody but a
// registrar; caller is the zero Caller for somebody who did not say who they are.
//
//  1. the limits, before anything is read
//  2. parse; what the app left out is filled in, what it may not have is refused
//  3. is there room?
//  4. the server picks id, secret and registration access token; store
//  5. write
func (s *Server) registerSelf(x *exchange, caller Caller) int {
	c, secret, token, err := s.storeSelf(x, caller)
	if err != nil {
		return s.registrationFailed(x, caller, "", storeError(err))
	}
	s.auditClient(x, audit.ClientRegistered, caller, c.Registration, c.Revision)
	s.Metrics.registrations("self_registered")
	return writeJSON(x, http.StatusCreated, selfInformation(x, c, secret, token))
}

func (s *Server) storeSelf(x *exchange, caller Caller) (c *registry.Client, secret, token credential.Secret, err error) {
	settings := x.view.Settings.Registration.WithDefaults()
	// 1.
	if err = s.withinLimits(x, settings, caller); err != nil {
		return nil, "", "", err
	}
	// 2.
	var asked selfRegistration
	if err = readRegistration(x, &asked); err != nil {
		return nil, "", "", err
	}
	accepted, err := s.acceptable(x, asked.Registration, caller != Caller{})
	if err != nil {
		return nil, "", "", err
	}
	// 3.
	if s.registered(caller) >= settings.MaxClients {
		return nil, "", "", limited(time.Hour, "too many clients are registered; ask the people who run this server")
	}
	// 4.
	accepted.ClientID = credential.NewClientID()
	secret, token = credential.NewClientSecret(), credential.NewRegistrationToken()
	c, err = s.Registry.RegisterSelf(x.r.Context(), registry.SelfRegistration{Registration: accepted, Secret: secret, Token: token, By: caller.User})
	if err == nil && c == nil {
		err = fmt.Errorf("client %s is not served after it was registered", accepted.ClientID)
	}
	if err == nil && !c.TokenEndpointAuthMethod.UsesSecret() {
		secret = ""
	}
	return c, secret, token, err
}

// registered is how many clients there are of the caller's kind: anybody, or
// somebody who is authenticated.
func (s *Server) registered(caller Caller) int {
	counts := s.Registry.Counts()
	if caller == (Caller{}) {
		return counts.Anonymous
	}
	return counts.SelfRegistered - counts.Anonymous
}

// registrantName is what the limits go by.
func (s *Server) registrantName(x *exchange, caller Caller) string {
	if caller.User != "" {
		return "user " + caller.Cluster + " " + caller.User
	}
	return "address " + peer.Network(s.remoteAddress(x))
}

// withinLimits counts a registration: the buckets in memory first, so that a
// flood does not reach the store, then the day's count, which all replicas share.
func (s *Server) withinLimits(x *exchange, settings RegistrationSettings, caller Caller) error {
	now, name, buckets := s.Now(), s.registrantName(x, caller), &s.registrations
	if caller != (Caller{}) {
		buckets = &s.userRegistrations
	}
	if wait := buckets.takeBoth(name, settings.PerAddressMinute, settings.PerMinute, now); wait > 0 {
		return limited(wait, "too many registrations; try again later")
	}
	const day = 24 * time.Hour
	n, err := s.Flows.CountAttempt(x.r.Context(), credential.Hash("registration by "+name), now, day)
	if err != nil {
		return fmt.Errorf("count a registration: %w", err)
	}
	if n > settings.PerAddressDay {
		return limited(day, "too many registrations today")
	}
	return nil
}

// acceptable is what becomes of a registration. Lists keep the order in which the
// app sent them: some apps use the first of what comes back.
func (s *Server) acceptable(x *exchange, asked oauth.Registration, authenticated bool) (oauth.Registration, error) {
	accept, settings := oauth.ForOpenRegistration, x.view.Settings
	rules := oauth.SelfRules{Issuer: settings.Issuer, PrivateUseSchemes: settings.Registration.PrivateUseSchemes, Declared: s.Registry.DeclaredHost}
	if authenticated {
		accept, rules.Declared = oauth.ForAuthenticatedRegistration, nil
	}
	accepted, err := accept(asked, rules)
	if err != nil {
		return oauth.Registration{}, err
	}
	left := accepted.RedirectURIs
	accepted.RedirectURIs = slices.DeleteFunc(distinct(asked.RedirectURIs), func(s string) bool { return !slices.Contains(left, s) })
	accepted.PostLogoutRedirectURIs = distinct(asked.PostLogoutRedirectURIs)
	if scopes, err := oauth.ParseScope(asked.Scope); err == nil {
		accepted.Scope = oauth.JoinScope(scopes)
	}
	return accepted, nil
}

// distinct drops repetitions and keeps the order; nil for none, so that the
// member is left out.
func distinct(list []string) []string {
	var kept []string
	for _, s := range list {
		if !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// selfInformation is the client information response (RFC 7591, Section 3.2.1);
// empty secret and token are left out.
func selfInformation(x *exchange, c *registry.Client, secret, token credential.Secret) oauth.RegistrationResponse {
	r := oauth.RegistrationResponse{
		Registration:            c.Registration,
		ClientIDIssuedAt:        c.Created.Unix(),
		ClientSecret:            secret.Reveal(),
		RegistrationAccessToken: token.Reveal(),
		RegistrationClientURI:   x.view.base + managementPrefix + c.ClientID,
	}
	if secret != "" {
		r.ClientSecretExpiresAt = new(int64) // 0: it does not expire
	}
	return r
}

// noteUse notes that a token was issued, so that a client which registered itself
// does not count as unused. It is no reason to refuse the token.
func (s *Server) noteUse(x *exchange, c *registry.Client) {
	if err := s.Registry.NoteUse(x.r.Context(), c); err != nil {
		s.Log.Warn("the use of a client could not be noted", "client_id", c.ClientID, "error", err)
	}
}
