package registrar

import (
	"context"
	"net/http"

	"clientele.dev/clientele/authserver/oauth"
)

// SelfRegistered counts the clients that registered themselves at the server.
func (s *Server) SelfRegistered(ctx context.Context) (int, error) {
	var answer oauth.SelfRegisteredList
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.registrarURL("self-registered?limit=1"), into: &answer})
	return answer.Total, err
}
