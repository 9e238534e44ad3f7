package authserver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// unreadable is a store that cannot tell of families and revoked tokens.
type unreadable struct {
	store.Store
	down *atomic.Bool
}

var errDown = errors.New("connection refused by 10.0.0.7")

func (u unreadable) Family(ctx context.Context, id string) (store.Family, error) {
	if u.down.Load() {
		return store.Family{}, errDown
	}
	return u.Store.Family(ctx, id)
}

func (u unreadable) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	if u.down.Load() {
		return false, errDown
	}
	return u.Store.TokenRevoked(ctx, jti)
}

func (u unreadable) RevokeToken(ctx context.Context, jti string, expires time.Time) error {
	if u.down.Load() {
		return errDown
	}
	return u.Store.RevokeToken(ctx, jti, expires)
}

// TestAnOutageIsNoAnswerAboutAToken: a resource server must not believe that a
// token was revoked, nor an app that it has revoked one (RFC 7009, Section 2.2.1).
func TestAnOutageIsNoAnswerAboutAToken(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		var down atomic.Bool
		on = open(on)
		on.Wrap = func(s store.Store) store.Store { return unreadable{s, &down} }
		w := peopleAt(t, authtest.Start(t, on))
		access, refresh := w.tokens(t, w.app, "resource", api)
		machine := w.MustToken(t, w.machine, "resource", api)
		down.Store(true)
		for rule, a := range map[string]authtest.Answer{
			"introspect":                 w.postAs(t, w.rs, "/oauth/introspect", "token", access),
			"introspect a machine's":     w.postAs(t, w.rs, "/oauth/introspect", "token", machine),
			"introspect a refresh token": w.postAs(t, w.app, "/oauth/introspect", "token", refresh),
			"userinfo":                   w.userinfo(t, access),
			"revoke":                     w.postAs(t, w.app, "/oauth/revoke", "token", refresh),
			"revoke a machine's":         w.postAs(t, w.machine, "/oauth/revoke", "token", machine),
			"revoke, seed 1":             w.post(t, "/oauth/revoke", "token", refresh),
		} {
			if a.Status < 500 || a.JSON()["active"] != nil || a.Member("error_description") == "" || strings.Contains(a.Body, "10.0.0.7") {
				t.Errorf("%s: %d %s", rule, a.Status, a.Body)
			}
		}
		if a := w.postAs(t, w.app, "/oauth/revoke", "token", refresh); a.Status != 503 || a.Header.Get("Retry-After") == "" {
			t.Errorf("revoke: %d %v", a.Status, a.Header)
		}
		down.Store(false)
		if !w.active(t, w.rs, access) || !w.refreshes(t, w.app, refresh) {
			t.Error("an outage ended a token")
		}
	})
}

// TestNoRouteTakesAnOutageForARefusal: while PostgreSQL is away, whatever needs it is 503
// with Retry-After, at once and also when the replica has stopped to issue; what is in
// memory is served. An app that is told 401, or invalid_grant, drops its credentials.
func TestNoRouteTakesAnOutageForARefusal(t *testing.T) {
	w := peopleAt(t, authtest.Start(t, open(authtest.Config{Postgres: postgres.Server(t)}, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })))
	access, refresh := w.tokens(t, w.app, "resource", api)
	code := w.Code(t, w.browser, w.app, "ada", "resource", api)
	self, token := mustSelfRegister(t, w.Server, seed1)
	asRegistrar := func(method, path string, body any) authtest.Answer {
		return w.SendJSON(t, method, path, authtest.RegistrarToken, body)
	}
	wrong := w.app
	wrong.Secret = credential.NewClientSecret()
	storeID := w.StoreID(t)
	_, pushed, _ := strings.Cut(w.AuthorizeURL(w.public, "resource", api), "?")
	another := authtest.Policy("p", "https://p.example", "read")
	w.CutOff(t)
	for _, moment := range []string{"at once", "after the lease"} {
		issues := moment == "at once"
		if !issues {
			w.Clock.Advance(31 * time.Second)
		}
		for rule, a := range map[string]authtest.Answer{
			"a wrong secret":             w.Token(t, wrong),
			"an unknown client":          w.Token(t, authtest.NewClient("nobody")),
			"a refresh token":            w.Refresh(t, w.app, refresh),
			"a public client's":          w.post(t, "/oauth/token", "grant_type", "refresh_token", "refresh_token", refresh),
			"a code":                     w.Exchange(t, w.app, code),
			"introspect":                 w.postAs(t, w.rs, "/oauth/introspect", "token", access),
			"introspect a refresh token": w.postAs(t, w.app, "/oauth/introspect", "token", refresh),
			"introspect, wrong secret":   w.postAs(t, wrong, "/oauth/introspect", "token", access),
			"userinfo":                   w.userinfo(t, access),
			"revoke":                     w.postAs(t, w.app, "/oauth/revoke", "token", refresh),
			"push":                       w.Do(t, http.MethodPost, "/oauth/par", pushed, "Content-Type", formType),
			"register":                   selfRegister(t, w.Server, seed1),
			"its token, a wrong one":     w.SendText(t, http.MethodGet, "/oauth/register/"+self, credential.NewRegistrationToken().Reveal(), ""),
			"update":                     w.SendText(t, http.MethodPut, "/oauth/register/"+self, token, `{"client_id":"`+self+`",`+strings.TrimPrefix(strings.TrimSpace(seed1), "{")),
			"delete":                     w.SendText(t, http.MethodDelete, "/oauth/register/"+self, token, ""),
			"account":                    w.browser.Get(t, w.Issuer+"/account").Answer,
			"a managed client":           w.Register(t, authtest.NewClient("new").Registration),
			"a policy":                   asRegistrar(http.MethodPut, "/registrar/v1/resources/"+another.UID, another),
			"replicas":                   w.SendText(t, http.MethodGet, "/registrar/v1/replicas", authtest.RegistrarToken, ""),
			"complete":                   asRegistrar(http.MethodPut, "/registrar/v1/complete", oauth.StoreComplete{StoreID: storeID}),
			"people":                     w.Do(t, http.MethodGet, "/registrar/v1/people?username=ada", "", "Authorization", "Bearer "+authtest.RegistrarToken),
			"sign somebody out":          w.Do(t, http.MethodDelete, "/registrar/v1/people/user/ada", "", "Authorization", "Bearer "+authtest.RegistrarToken),
		} {
			if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s, %s: %d %v %s", moment, rule, a.Status, a.Header, a.Body)
			}
		}
		for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/healthz", "/readyz", "/registrar/v1/inventory", "/registrar/v1/self-registered"} {
			if a := w.Do(t, http.MethodGet, path, "", "Authorization", "Bearer "+authtest.RegistrarToken); a.Status != http.StatusOK {
				t.Errorf("%s, %s: %d %s", moment, path, a.Status, a.Body)
			}
		}
		machine := w.Token(t, w.machine)
		if issues != (machine.Status == http.StatusOK) || !issues && (machine.Status != http.StatusServiceUnavailable || machine.Header.Get("Retry-After") == "") {
			t.Errorf("%s, a machine: %d %s", moment, machine.Status, machine.Body)
		}
	}
	w.Reconnect(t)
	w.Pass(t, 0)
	if !w.active(t, w.rs, access) || !w.refreshes(t, w.app, refresh) {
		t.Error("an outage ended a token")
	}
}
