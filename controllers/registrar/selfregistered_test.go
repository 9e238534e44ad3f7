package registrar

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
)

// pages answers as a server with three pages of two clients; endless: its last page
// names itself as the next.
func pages(t *testing.T, endless bool) *Server {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var first int
		if page := r.URL.Query().Get("page"); page != "" {
			_, _ = fmt.Sscanf(page, "c%d", &first)
			first++
		}
		list := oauth.SelfRegisteredList{Total: 6, Clients: []oauth.SelfRegisteredClient{{ClientID: fmt.Sprint("c", first)}, {ClientID: fmt.Sprint("c", first+1)}}}
		if first < 4 {
			list.Next = fmt.Sprint("c", first+1)
		} else if endless {
			list.Next = fmt.Sprint("c", first-1)
		}
		_ = json.NewEncoder(w).Encode(list)
	}))
	t.Cleanup(h.Close)
	as := &v1alpha1.AuthorizationServer{}
	as.UID, as.Spec.Issuer = "uid", h.URL
	servers, _ := newServers(&clock{})
	return servers.For(as)
}

func TestF14SelfRegisteredClientsOnSeveralPages(t *testing.T) {
	clients, err := pages(t, false).ListSelfRegistered(t.Context())
	if err != nil || len(clients) != 6 || clients[0].ClientID != "c0" || clients[5].ClientID != "c5" {
		t.Errorf("%v, %v", clients, err)
	}
	if _, err := pages(t, true).ListSelfRegistered(t.Context()); !errors.Is(err, ErrGarbage) {
		t.Errorf("pages without an end: %v", err)
	}
	if _, _, err := pages(t, false).ReadSelfRegistered(t.Context(), "c1"); !errors.Is(err, ErrGarbage) {
		t.Errorf("another client than was asked for: %v", err)
	}
}
