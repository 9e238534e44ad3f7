package registrar

import (
	"context"
	"net/http"

	"clientele.dev/clientele/authserver/oauth"
)

// MarkComplete tells the server that everything which belongs at the store with this id is
// registered there: from now on the server refuses client ids that it does not know. A
// server whose store is another one by now answers stale_counter.
func (s *Server) MarkComplete(ctx context.Context, storeID string) error {
	var answer oauth.StoreComplete
	_, err := s.do(ctx, call{method: http.MethodPut, url: s.registrarURL("complete"), body: oauth.StoreComplete{StoreID: storeID}, into: &answer})
	if err != nil {
		return err
	}
	s.inventory.markComplete(storeID)
	return nil
}
