package authserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
)

// mine is a client that registered itself, as its app changes it.
type mine struct {
	*authtest.Server
	id, token string
	// from is the address that the app calls from, as a proxy says.
	from string
}

func (m *mine) send(t *testing.T, method, token, body string) authtest.Answer {
	t.Helper()
	return m.Do(t, method, "/oauth/register/"+m.id, body, "Authorization", "Bearer "+token, "Content-Type", "application/json", "X-Forwarded-For", m.from)
}

// put changes the home page.
func (m *mine) put(t *testing.T, homepage string) authtest.Answer {
	t.Helper()
	return m.send(t, http.MethodPut, m.token, fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://a.example/cb"],"client_uri":%q}`, m.id, homepage))
}

func register(t *testing.T, s *authtest.Server, from string) *mine {
	t.Helper()
	a := s.Do(t, http.MethodPost, "/oauth/register", `{"redirect_uris":["https://a.example/cb"]}`, "Content-Type", "application/json", "X-Forwarded-For", from)
	if a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return &mine{Server: s, id: a.Member("client_id"), token: a.Member("registration_access_token"), from: from}
}

// Each change is a durable write that all replicas hear of.
func TestA10FloodOfChanges(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		on.Settings.TrustedProxies = []string{"127.0.0.1"}
		s := authtest.Start(t, open(on, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute, r.PerMinute = 3, 8 }))
		app, neighbour, other := register(t, s, "203.0.113.1"), register(t, s, "203.0.113.1"), register(t, s, "203.0.113.2")
		refused := func(rule string, a authtest.Answer) {
			t.Helper()
			if a.Status != 429 || a.Error() != "too_many_requests" || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %v %s", rule, a.Status, a.Header, a.Body)
			}
		}
		// Whoever does not hold the token uses up nothing, and reaches no store.
		writes := s.Store.Writes()
		for range 10 {
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				if a := other.send(t, method, app.token, "{}"); a.Status != 401 {
					t.Fatalf("%s with another's token: %d %s", method, a.Status, a.Body)
				}
			}
		}
		for range 3 {
			if a := app.put(t, ""); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		written := s.Store.Writes()
		if written <= writes {
			t.Fatal("the changes wrote nothing")
		}
		refused("the address", neighbour.put(t, ""))
		app.from = "203.0.113.3"
		refused("the client, from another address", app.put(t, ""))
		app.from = "203.0.113.1"
		refused("deleting", app.send(t, http.MethodDelete, app.token, ""))
		for range 10 {
			refused("a flood", app.put(t, ""))
		}
		if s.Store.Writes() != written {
			t.Error("the flood reached the store")
		}
		if a := app.send(t, http.MethodGet, app.token, ""); a.Status != 200 {
			t.Errorf("reading: %d %s", a.Status, a.Body)
		}
		if a := other.put(t, ""); a.Status != 200 {
			t.Errorf("somebody else: %d %s", a.Status, a.Body)
		}
		s.Clock.Advance(time.Minute)
		if a := app.put(t, ""); a.Status != 200 {
			t.Errorf("a minute later: %d %s", a.Status, a.Body)
		}
		if a := app.send(t, http.MethodDelete, app.token, ""); a.Status != 204 {
			t.Errorf("deleting, a minute later: %d %s", a.Status, a.Body)
		}
		// However many addresses and clients there are.
		var last authtest.Answer
		for i := range 9 {
			other.from = fmt.Sprintf("198.51.100.%d", i)
			last = register(t, s, other.from).put(t, "")
			if last.Status != 200 {
				break
			}
			s.Clock.Advance(time.Second)
		}
		refused("all together", last)
	})
}

// Whoever switches registration off does not expect clients to become others
// afterwards; they may still go.
func TestNoChangesAfterRegistrationWasSwitchedOff(t *testing.T) {
	for rule, c := range map[string]struct {
		registrant string
		mode       endpoint.RegistrationMode
		want       int
	}{
		"anybody's, Disabled":            {"", endpoint.RegistrationDisabled, 403},
		"anybody's, Authenticated":       {"", endpoint.RegistrationAuthenticated, 403},
		"anybody's, Open":                {"", endpoint.RegistrationOpen, 200},
		"somebody known's, Disabled":     {authtest.RegisterToken, endpoint.RegistrationDisabled, 403},
		"somebody known's Authenticated": {authtest.RegisterToken, endpoint.RegistrationAuthenticated, 200},
	} {
		t.Run(rule, func(t *testing.T) {
			s := authtest.Start(t, open(authtest.Config{}))
			a := s.SendText(t, http.MethodPost, "/oauth/register", c.registrant, seed1)
			app := &mine{Server: s, id: a.Member("client_id"), token: a.Member("registration_access_token")}
			s.Settings.Registration.Mode = c.mode
			s.Reload(t)
			if a := app.put(t, ""); a.Status != c.want || c.want != 200 && a.Error() != "insufficient_scope" {
				t.Errorf("update: %d %s, want %d", a.Status, a.Body, c.want)
			}
			a = app.send(t, http.MethodGet, app.token, "")
			if changed := strings.Contains(a.Body, "https://a.example/cb"); a.Status != 200 || changed != (c.want == 200) {
				t.Errorf("read: %d %s", a.Status, a.Body)
			}
			if a := app.send(t, http.MethodDelete, app.token, ""); a.Status != 204 {
				t.Errorf("delete: %d %s", a.Status, a.Body)
			}
		})
	}
}
