package endpoint

import (
	"log/slog"
	"net/http"
	"strconv"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// register is POST /oauth/register (RFC 7591, Section 3.1). Who calls decides:
// for registrars it is
//
//  1. parse
//  2. the rules (package registration) and the store
//  3. write: 201 for a new client, 200 where the owner's client existed
//
// and for everybody else, where the settings let them, registerSelf. The registrar port
// takes registrars only.
func (s *Server) register(x *exchange) int {
	if x.port == portRegistrar {
		return s.byRegistrar(s.putNew)(x)
	}
	mode := x.view.Settings.Registration.Mode
	if mode == RegistrationOpen && len(x.r.Header["Authorization"]) == 0 {
		return s.registerSelf(x, Caller{})
	}
	caller, err := s.caller(x)
	switch {
	case err != nil:
		return s.fail(x, err)
	case caller.Manage:
		return s.putNew(x, caller)
	case caller.Register && (mode == RegistrationAuthenticated || mode == RegistrationOpen):
		return s.registerSelf(x, caller)
	}
	if mode != RegistrationAuthenticated && mode != RegistrationOpen {
		return s.fail(x, s.refused(x, caller, noRegistrar(x)))
	}
	return s.fail(x, s.refused(x, caller, oauth.InsufficientScope("to register a client takes RBAC verb register on the AuthorizationServer")))
}

// updateClient is PUT /oauth/register/{client_id} (RFC 7592, Section 2.2): for
// registrars as register, but the client must exist; for whoever holds the
// registration access token of a client that registered itself, updateSelf.
func (s *Server) updateClient(x *exchange) int {
	if token, ok := holderToken(x); ok {
		return s.updateSelf(x, token)
	}
	caller, err := s.registrar(x)
	if err != nil {
		return s.fail(x, err)
	}
	return s.put(x, caller, x.rest, true)
}

func (s *Server) putNew(x *exchange, caller Caller) int { return s.put(x, caller, "", false) }

func (s *Server) put(x *exchange, caller Caller, pathID string, update bool) int {
	var reg oauth.Registration
	err := readRegistration(x, &reg)
	if err == nil && update && reg.ClientID != pathID {
		// RFC 7592, Section 2.2: the client_id in the body is the client's.
		err = oauth.InvalidClientMetadata("client_id must equal the one in the URL")
	}
	if err == nil && reg.Managed != nil {
		err = notReserved(x.view, reg.Managed.Resources)
	}
	if err != nil {
		return s.registrationFailed(x, caller, reg.ClientID, err)
	}
	response, created, err := s.Registry.Register(x.r.Context(), caller.Cluster, reg, update)
	if err != nil {
		return s.registrationFailed(x, caller, reg.ClientID, storeError(err))
	}
	name, status := audit.ClientUpdated, http.StatusOK
	if created {
		name, status = audit.ClientRegistered, http.StatusCreated
	}
	s.auditClient(x, name, caller, response.Registration, response.Revision)
	s.Metrics.registrations(string(name))
	return writeJSON(x, status, s.information(x, response))
}

// notReserved refuses resources that no client may have tokens for. The audiences of a
// cluster's API server are known to its registrar; here only the usual one is.
func notReserved(v *View, resources []string) error {
	for i, resource := range resources {
		if by := policy.ReservedBy(v.Settings.Issuer, nil, resource); by != "" {
			return oauth.InvalidClientMetadata("clientele_managed.resources[%d] is reserved: it is, or lies below, %s", i, by)
		}
	}
	return nil
}

// information is the client information response (RFC 7591, Section 3.2.1)
// without anything that was made of a secret.
func (s *Server) information(x *exchange, r oauth.RegistrationResponse) oauth.RegistrationResponse {
	if r.Managed != nil {
		managed := *r.Managed
		managed.SecretHashes, managed.RegistrationTokenHash = []string{}, ""
		r.Managed = &managed
	}
	r.RegistrationClientURI = x.view.base + managementPrefix + r.ClientID
	return r
}

func (s *Server) registrationFailed(x *exchange, caller Caller, clientID string, err error) int {
	if !oauth.ValidClientID(clientID) || credential.LooksSecret(clientID) {
		clientID = "(not a client id)"
	}
	s.Metrics.registrations("refused")
	s.Audit.Write(x.r.Context(), audit.RegistrationRefused,
		slog.String("route", x.route.name),
		slog.String("code", string(oauth.CodeOf(err))),
		slog.String("client_id", clientID),
		slog.String("caller", caller.User),
		slog.String("cause", cause(err)),
		s.remoteUnlessRegistrar(x, caller))
	return s.fail(x, err)
}

func (s *Server) auditClient(x *exchange, name audit.Name, caller Caller, r oauth.Registration, revision int64) {
	var owner oauth.Owner
	if r.Managed != nil {
		owner = r.Managed.Owner
	}
	s.Audit.Write(x.r.Context(), name,
		slog.String("client_id", r.ClientID),
		slog.String("owner_namespace", owner.Namespace),
		slog.String("owner_name", owner.Name),
		slog.String("owner_uid", owner.UID),
		slog.String("caller", caller.User),
		slog.Int64("revision", revision),
		s.remoteUnlessRegistrar(x, caller))
}

// remoteUnlessRegistrar is where an app that registers itself calls from; of a
// registrar its name says enough.
func (s *Server) remoteUnlessRegistrar(x *exchange, caller Caller) slog.Attr {
	if caller.Manage {
		return slog.Attr{}
	}
	return slog.String("remote", s.remoteAddress(x))
}

// readClient is GET /oauth/register/{client_id} (RFC 7592, Section 2.1), for the
// registrar of the client's cluster and for whoever holds its registration access
// token.
func (s *Server) readClient(x *exchange) int {
	token, err := bearer(x.r)
	if err != nil {
		return s.fail(x, err)
	}
	if credential.ValidFormat(token, credential.PrefixRegistrationToken) && x.port != portRegistrar {
		return s.readByToken(x, token)
	}
	caller, err := s.registrar(x)
	if err != nil {
		return s.fail(x, err)
	}
	client, ok := s.Registry.Client(x.rest)
	if !ok || client.Managed == nil || client.Managed.Owner.Cluster != caller.Cluster {
		return s.fail(x, noClient())
	}
	return s.writeClient(x, client)
}

// readByToken gives a client with a wrong token and one that does not exist the
// same answer after the same work (RFC 7592, Section 2.1; FAILURES A12).
func (s *Server) readByToken(x *exchange, token string) int {
	var client *registry.Client
	err := s.caughtUp(x.r.Context(), func() (err error) {
		client, err = s.held(x, token)
		return err
	})
	switch {
	case err != nil:
		return s.fail(x, storeError(err))
	case client.Managed != nil:
		return s.writeClient(x, client)
	}
	return writeJSON(x, http.StatusOK, selfInformation(x, client, "", credential.Secret(token)))
}

// held is the client in the URL, whose registration access token the caller holds.
func (s *Server) held(x *exchange, token string) (*registry.Client, error) {
	if !s.heldManaged(x, token) {
		return s.Registry.ReadSelf(x.rest, token)
	}
	client, ok := s.Registry.Client(x.rest)
	if !ok { // removed a moment ago
		return nil, noClient()
	}
	return client, nil
}

// heldManaged says that the client in the URL is a registrar's and the token is
// its registration access token.
func (s *Server) heldManaged(x *exchange, token string) bool {
	client, ok := s.Registry.Client(x.rest)
	var sealed []string
	if ok && client.Managed != nil && client.RegistrationToken != "" {
		sealed = []string{client.RegistrationToken}
	}
	return x.view.serverKeys.MatchAny(sealed, token)
}

func noClient() error {
	return oauth.InvalidToken("there is no such client, or the token is not for it")
}

func (s *Server) writeClient(x *exchange, c *registry.Client) int {
	return writeJSON(x, http.StatusOK, s.information(x, oauth.RegistrationResponse{
		Registration:     c.Registration,
		ClientIDIssuedAt: c.Created.Unix(),
		Digest:           c.Digest,
		StoreID:          s.Registry.StoreID(),
		Revision:         c.Revision,
	}))
}

// deleteClient is DELETE /oauth/register/{client_id} (RFC 7592, Section 2.3): for
// registrars 204, also if there is no such client, so that it can be repeated; for
// whoever holds the registration access token of a client that registered itself,
// deleteSelf.
func (s *Server) deleteClient(x *exchange) int {
	if token, ok := holderToken(x); ok {
		return s.deleteSelf(x, token)
	}
	caller, err := s.registrar(x)
	if err != nil {
		return s.fail(x, err)
	}
	owner, counter, err := ownerOf(x, caller)
	if err == nil {
		err = storeError(s.Registry.Deregister(x.r.Context(), x.rest, owner, counter))
	}
	if err != nil {
		return s.registrationFailed(x, caller, x.rest, err)
	}
	s.auditClient(x, audit.ClientDeleted, caller, oauth.Registration{ClientID: x.rest, Managed: &oauth.Managed{Owner: owner}}, s.Registry.Revision())
	s.Metrics.registrations(string(audit.ClientDeleted))
	return noContent(x)
}

// ownerOf reads whose client is to be deleted.
func ownerOf(x *exchange, caller Caller) (oauth.Owner, int64, error) {
	q, err := query(x)
	if err != nil {
		return oauth.Owner{}, 0, err
	}
	owner := oauth.Owner{Cluster: caller.Cluster, Namespace: q.Get("owner_namespace"), Name: q.Get("owner_name"), UID: q.Get("owner_uid")}
	counter, err := strconv.ParseInt(q.Get("counter"), 10, 64)
	if err != nil || owner.Namespace == "" || owner.Name == "" || owner.UID == "" {
		return oauth.Owner{}, 0, oauth.InvalidRequest("owner_namespace, owner_name, owner_uid and counter are required in the query")
	}
	return owner, counter, nil
}

func noContent(x *exchange) int {
	x.w.WriteHeader(http.StatusNoContent)
	return http.StatusNoContent
}
