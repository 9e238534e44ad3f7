package endpoint

import (
	"errors"
	"net/http"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// complete is PUT /registrar/v1/complete: the registrar says that everything is registered
// at the store that it names. 409 if the store is another one by now.
func (s *Server) complete(x *exchange, _ Caller) int {
	var body oauth.StoreComplete
	err := readJSON(x, &body)
	if err == nil && body.StoreID == "" {
		err = oauth.InvalidRequest("store_id is missing")
	}
	if err == nil {
		err = s.Registry.MarkComplete(x.r.Context(), body.StoreID)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = oauth.StaleCounter("the store is another one by now; read the inventory").WithCause(err)
	}
	if err != nil {
		return s.fail(x, storeError(err))
	}
	s.Log.Info("a registrar has registered all clients; an unknown client id is refused from now on", "store_id", body.StoreID)
	return writeJSON(x, http.StatusOK, body)
}
