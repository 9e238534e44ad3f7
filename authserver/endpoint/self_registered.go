package endpoint

import (
	"net/http"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// selfRegistered is GET /registrar/v1/self-registered?limit=&page= or ?client_id=:
// the clients that registered themselves, for the people who run the server. page
// is the client id that the page before ended with; with client_id the list has
// that client, or nothing.
func (s *Server) selfRegistered(x *exchange, _ Caller) int {
	clients, more, err := s.listSelfRegistered(x)
	if err != nil {
		return s.fail(x, err)
	}
	list := oauth.SelfRegisteredList{StoreID: s.Registry.StoreID(), Total: s.Registry.Counts().SelfRegistered, Clients: make([]oauth.SelfRegisteredClient, 0, len(clients))}
	for _, c := range clients {
		list.Clients = append(list.Clients, selfEntry(c))
	}
	if more {
		list.Next = clients[len(clients)-1].ClientID
	}
	return writeJSON(x, http.StatusOK, list)
}

func (s *Server) listSelfRegistered(x *exchange) (clients []*registry.Client, more bool, err error) {
	q, err := query(x)
	if err != nil {
		return nil, false, err
	}
	limit, err := number(&q, "limit", defaultPage, 1, maxPage)
	if err != nil {
		return nil, false, err
	}
	after, one := q.Get("page"), q.Get("client_id")
	switch {
	case after != "" && !oauth.ValidClientID(after):
		return nil, false, oauth.InvalidRequest("page must be the client id that the page before ended with")
	case one == "":
		clients, more = s.Registry.SelfRegistered(after, int(limit))
		return clients, more, nil
	case !oauth.ValidClientID(one):
		return nil, false, oauth.InvalidRequest("client_id is not one")
	}
	if c, ok := s.Registry.Client(one); ok && c.Self != nil {
		clients = append(clients, c)
	}
	return clients, false, nil
}

func selfEntry(c *registry.Client) oauth.SelfRegisteredClient {
	e := oauth.SelfRegisteredClient{
		ClientID: c.ClientID, ClientName: c.ClientName, RedirectURIs: c.RedirectURIs, Scope: c.Scope,
		RegisteredAt: c.Created.Unix(), RegisteredBy: c.Self.By,
	}
	if !c.Self.Used.IsZero() {
		e.UsedAt = c.Self.Used.Unix()
	}
	return e
}

// revokeSelfRegistered is DELETE /registrar/v1/self-registered/{client_id}: 200
// with what was ended, also if there is no such client, so that it can be repeated.
// A managed one is owner_mismatch.
func (s *Server) revokeSelfRegistered(x *exchange, caller Caller) int {
	ended, err := s.endSelfRegistered(x)
	if err != nil {
		return s.registrationFailed(x, caller, x.rest, storeError(err))
	}
	if ended.Existed {
		s.auditClient(x, audit.ClientDeleted, caller, oauth.Registration{ClientID: x.rest}, s.Registry.Revision())
		s.Metrics.registrations(string(audit.ClientDeleted))
	}
	return writeJSON(x, http.StatusOK, ended)
}

// endSelfRegistered ends a client with what it holds, which is counted just before.
func (s *Server) endSelfRegistered(x *exchange) (oauth.SelfRevocation, error) {
	ended := oauth.SelfRevocation{ClientID: x.rest}
	held, err := s.Flows.Holdings(x.r.Context(), x.rest, s.Now())
	if err != nil {
		return ended, err
	}
	if ended.Existed, err = s.Registry.RevokeSelf(x.r.Context(), x.rest); err == nil && ended.Existed {
		ended.Families, ended.People = held.Families, held.People
	}
	return ended, err
}
