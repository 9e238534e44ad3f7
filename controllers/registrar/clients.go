package registrar

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"clientele.dev/clientele/authserver/oauth"
)

// Register creates or updates the client of reg's owner: an upsert by owner, so
// it may be repeated after a lost answer. On success the inventory knows the
// client as the server now has it.
func (s *Server) Register(ctx context.Context, reg oauth.Registration) (oauth.RegistrationResponse, error) {
	var answer oauth.RegistrationResponse
	e, err := s.Endpoints(ctx)
	if err != nil {
		return answer, err
	}
	if err := s.mayCarry(reg); err != nil {
		return answer, err
	}
	_, err = s.do(ctx, call{method: http.MethodPost, url: s.reach(e.Registration), body: reg, into: &answer})
	if err != nil {
		return answer, err
	}
	if answer.ClientID != reg.ClientID || answer.Digest == "" || answer.StoreID == "" {
		return answer, ErrGarbage
	}
	s.inventory.recordClient(answer.StoreID, answer.Revision, oauth.ClientEntry{
		ClientID: answer.ClientID,
		Owner:    reg.Managed.Owner,
		Digest:   answer.Digest,
	})
	return answer, nil
}

// Read returns a client as the server has it (RFC 7592, Section 2.1). found is
// false if the registrar was accepted and there is no such client of this
// cluster.
func (s *Server) Read(ctx context.Context, clientID string) (answer oauth.RegistrationResponse, found bool, err error) {
	u, err := s.clientURL(ctx, clientID)
	if err != nil {
		return answer, false, err
	}
	status, err := s.do(ctx, call{method: http.MethodGet, url: u, into: &answer})
	// 401 means both "not you" and "no such client" (RFC 7592, Section 2.1): what
	// tells them apart is that the inventory still answers to the same token.
	if status == http.StatusUnauthorized {
		if s.Sync(ctx) == nil {
			return answer, false, nil
		}
	}
	return answer, err == nil, err
}

// Deregister deletes the client of an owner (RFC 7592, Section 2.3). An absent
// one is a success.
func (s *Server) Deregister(ctx context.Context, clientID string, owner oauth.Owner, counter int64) error {
	u, err := s.clientURL(ctx, clientID)
	if err != nil {
		return err
	}
	query := url.Values{
		"owner_namespace": {owner.Namespace},
		"owner_name":      {owner.Name},
		"owner_uid":       {owner.UID},
		"counter":         {strconv.FormatInt(counter, 10)},
	}
	if _, err := s.do(ctx, call{method: http.MethodDelete, url: u + "?" + query.Encode()}); err != nil {
		return err
	}
	s.inventory.forgetClient(clientID, owner)
	return nil
}

func (s *Server) clientURL(ctx context.Context, clientID string) (string, error) {
	e, err := s.Endpoints(ctx)
	if err != nil {
		return "", err
	}
	return s.reach(e.Registration) + "/" + url.PathEscape(clientID), nil
}
