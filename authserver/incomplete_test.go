package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// TestO20UnknownClientsOfAnIncompleteStore: until the operator has registered everything,
// an unknown client id is 503 with Retry-After at every endpoint that apps call, however
// much time passes; then it is refused.
func TestO20UnknownClientsOfAnIncompleteStore(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		on.Incomplete, on.Settings.AccessTokenLifetime = true, 48*time.Hour
		on = open(on, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })
		s := authtest.Start(t, on)
		s.SetUsers(t, authtest.Person{Username: "ada"})
		known := s.MustRegister(t, authtest.NewClient("known", withScopes("")))
		gone := authtest.NewClient("gone", authtest.WithCode("openid"))
		removed := s.MustRegister(t, authtest.NewClient("removed", withScopes("")))
		access := s.MustToken(t, removed)
		owner := removed.Registration.Managed.Owner
		path := "/oauth/register/" + removed.Registration.ClientID + "?" + values("owner_namespace", owner.Namespace, "owner_name", owner.Name, "owner_uid", owner.UID, "counter", "99").Encode()
		if a := s.SendText(t, http.MethodDelete, path, authtest.RegistrarToken, ""); a.Status != http.StatusNoContent {
			t.Fatalf("deregister: %d %s", a.Status, a.Body)
		}
		registration := credential.NewRegistrationToken()
		basic := func(c authtest.Client) []string {
			r, _ := http.NewRequest(http.MethodPost, s.URL, nil)
			r.SetBasicAuth(c.Registration.ClientID, c.Secret.Reveal())
			return []string{"Content-Type", formType, "Authorization", r.Header.Get("Authorization")}
		}
		bearer := func(token string) []string {
			return []string{"Content-Type", "application/json", "Authorization", "Bearer " + token}
		}
		form := func(pairs ...string) string { return values(pairs...).Encode() }
		id := gone.Registration.ClientID
		logout := "/oauth/logout?" + url.Values{"client_id": {id}, "post_logout_redirect_uri": {authtest.Redirect}}.Encode()
		requests := map[string]struct {
			method, path, body string
			header             []string
			refused            int // when the store is complete
		}{
			"token":                 {"POST", "/oauth/token", form("grant_type", "client_credentials"), basic(gone), 401},
			"token, public client":  {"POST", "/oauth/token", form("grant_type", "refresh_token", "refresh_token", "x", "client_id", id), []string{"Content-Type", formType}, 401},
			"revocation":            {"POST", "/oauth/revoke", form("token", "x"), basic(gone), 401},
			"introspection":         {"POST", "/oauth/introspect", form("token", "x"), basic(gone), 401},
			"introspected":          {"POST", "/oauth/introspect", form("token", access), basic(known), 200},
			"pushed request":        {"POST", "/oauth/par", form("response_type", "code"), basic(gone), 401},
			"authorization":         {"GET", strings.TrimPrefix(s.AuthorizeURL(gone), s.URL), "", nil, 400},
			"userinfo":              {"GET", "/userinfo", "", bearer(access), 401},
			"logout":                {"GET", logout, "", nil, 400},
			"registration, read":    {"GET", "/oauth/register/" + id, "", bearer(registration.Reveal()), 401},
			"registration, changed": {"PUT", "/oauth/register/" + id, `{"client_id":"` + id + `"}`, bearer(registration.Reveal()), 401},
			"registration, deleted": {"DELETE", "/oauth/register/" + id, "", bearer(registration.Reveal()), 401},
		}
		each := func(when string, want func(refused int) int) {
			t.Helper()
			for name, r := range requests {
				a := s.Do(t, r.method, r.path, r.body, r.header...)
				if a.Status != want(r.refused) || (a.Status == 503) != (a.Header.Get("Retry-After") != "") {
					t.Errorf("%s, %s: %d, Retry-After %q, want %d: %s", when, name, a.Status, a.Header.Get("Retry-After"), want(r.refused), a.Body)
				}
			}
		}
		each("incomplete", func(int) int { return 503 })
		s.Pass(t, 24*time.Hour)
		each("a day later", func(int) int { return 503 })

		wrong := known
		wrong.Secret = credential.NewClientSecret()
		if a := s.Token(t, wrong); a.Status != http.StatusUnauthorized {
			t.Errorf("a known client with a wrong secret: %d %s", a.Status, a.Body)
		}
		if a := s.Token(t, known); a.Status != http.StatusOK {
			t.Errorf("a known client: %d %s", a.Status, a.Body)
		}
		if a := s.SendJSON(t, http.MethodPut, "/registrar/v1/complete", authtest.RegistrarToken, oauth.StoreComplete{StoreID: "another"}); a.Status != http.StatusConflict {
			t.Errorf("marked by the id of another store: %d %s", a.Status, a.Body)
		}
		each("marked by another id", func(int) int { return 503 })
		s.Complete(t)
		each("complete", func(refused int) int { return refused })
	})
}

// TestO20TheLogSaysSo: after ten minutes, once.
func TestO20TheLogSaysSo(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Incomplete: true})
	said := func() int { return strings.Count(s.Log.String(), "has not registered all clients") }
	metrics := func() string { return s.Send(t, request(t, s.MetricsURL)).Body }
	for _, want := range []int{0, 0, 1, 1} {
		if err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := said(); got != want {
			t.Fatalf("said %d times at %s, want %d", got, s.Clock.Now(), want)
		}
		s.Pass(t, 6*time.Minute)
	}
	if m := metrics(); !strings.Contains(m, "clientele_store_complete 0") {
		t.Error("the metric does not say so")
	}
	s.Complete(t)
	if m := metrics(); !strings.Contains(m, "clientele_store_complete 1") {
		t.Error("the metric does not say that it is complete")
	}
}
