package registrar

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"clientele.dev/clientele/authserver/oauth"
)

// SelfRegistered counts the clients that registered themselves at the server.
func (s *Server) SelfRegistered(ctx context.Context) (int, error) {
	answer, err := s.selfRegistered(ctx, url.Values{"limit": {"1"}})
	return answer.Total, err
}

// ListSelfRegistered lists the clients that registered themselves, by client id,
// page by page.
func (s *Server) ListSelfRegistered(ctx context.Context) ([]oauth.SelfRegisteredClient, error) {
	all := []oauth.SelfRegisteredClient{}
	for page := ""; ; {
		answer, err := s.selfRegistered(ctx, url.Values{"page": {page}})
		if err != nil {
			return nil, err
		}
		all = append(all, answer.Clients...)
		switch {
		case answer.Next == "":
			return all, nil
		case answer.Next <= page:
			return nil, fmt.Errorf("%w: the pages do not come to an end", ErrGarbage)
		}
		page = answer.Next
	}
}

// ReadSelfRegistered returns a client that registered itself; found is false if
// there is none of that id.
func (s *Server) ReadSelfRegistered(ctx context.Context, clientID string) (c oauth.SelfRegisteredClient, found bool, err error) {
	answer, err := s.selfRegistered(ctx, url.Values{"client_id": {clientID}})
	if err != nil || len(answer.Clients) == 0 {
		return c, false, err
	}
	if c = answer.Clients[0]; c.ClientID != clientID {
		return c, false, fmt.Errorf("%w: another client than was asked for", ErrGarbage)
	}
	return c, true, nil
}

// RevokeSelfRegistered removes a client that registered itself, with everything
// that was issued to it. An absent one is no error.
func (s *Server) RevokeSelfRegistered(ctx context.Context, clientID string) (oauth.SelfRevocation, error) {
	var answer oauth.SelfRevocation
	_, err := s.do(ctx, call{method: http.MethodDelete, url: s.registrarURL("self-registered/" + url.PathEscape(clientID)), into: &answer})
	return answer, err
}

func (s *Server) selfRegistered(ctx context.Context, query url.Values) (oauth.SelfRegisteredList, error) {
	var answer oauth.SelfRegisteredList
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.registrarURL("self-registered?" + query.Encode()), into: &answer})
	return answer, err
}
