package authserver_test

import (
	"net/http"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// change registers a managed client again, with another generation.
func (w *world) change(t *testing.T, c authtest.Client, change func(*oauth.Registration)) {
	t.Helper()
	r := c.Registration
	managed := *r.Managed
	r.Managed = &managed
	managed.Generation++
	change(&r)
	if a := w.Register(t, r); a.Status != http.StatusOK && a.Status != http.StatusCreated {
		t.Fatalf("register again: %d %s", a.Status, a.Body)
	}
}

func trusted(r *oauth.Registration) { r.Managed.Trusted = true }

func TestA19TrustTakenAwayEndsWhatNobodyWasAskedFor(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		app := w.MustRegister(t, authtest.NewClient("app", authtest.WithCode("orders.read orders.write", orders), withPost, trusted))
		b := w.NewBrowser(t)
		refresh := w.MustExchange(t, app, w.Code(t, b, app, "ada")).Member("refresh_token")
		w.change(t, app, func(r *oauth.Registration) { r.Managed.Trusted = false })
		refused(t, "nobody was asked", w.Refresh(t, app, refresh), "invalid_grant")
		w.wantActive(t, app, refresh, false)

		w.Code(t, b, app, "ada", "scope", "orders.read") // now she is
		refused(t, "a scope that she was not asked for", w.Refresh(t, app, refresh, "scope", "orders.write orders.read"), "invalid_scope")
		a := w.Refresh(t, app, refresh)
		if a.Status != http.StatusOK || a.Member("scope") != "orders.read" {
			t.Fatalf("what she was asked for: %d %s", a.Status, a.Body)
		}
		refresh = a.Member("refresh_token")
		w.wantActive(t, app, refresh, true)

		w.change(t, app, func(r *oauth.Registration) { r.Managed.Generation++ }) // as it was
		if a := w.Refresh(t, app, refresh); a.Status != http.StatusOK || a.Member("scope") != "orders.read orders.write" {
			t.Errorf("trusted again: %d %s", a.Status, a.Body)
		}
	})
}

// The consents are withdrawn before codes and families end: nothing is granted in
// between, also where nobody had to be asked.
func TestA19AWithdrawalCountsBeforeTheTokensEnd(t *testing.T) {
	w := users(t, authtest.Config{})
	app := w.MustRegister(t, authtest.NewClient("app", authtest.WithCode("orders.read", orders), withPost, trusted))
	b := w.NewBrowser(t)
	refresh := w.MustExchange(t, app, w.Code(t, b, app, "ada")).Member("refresh_token")
	code := w.Code(t, b, app, "ada")
	if _, err := w.Store.WithdrawConsents(t.Context(), "user/ada", "apps.app", w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	refused(t, "a code that is on its way", w.Exchange(t, app, code), "invalid_grant")
	refused(t, "a refresh token", w.Refresh(t, app, refresh), "invalid_grant")
	w.wantActive(t, app, refresh, false)
}

// TestIntrospectionOfARefreshTokenSaysWhatTheGrantWould: a client that asks whether
// it has access is not told yes, and then refused.
func TestIntrospectionOfARefreshTokenSaysWhatTheGrantWould(t *testing.T) {
	for _, c := range []struct {
		rule   string
		change func(t *testing.T, w *world)
	}{
		{"the settings shorten its life", func(t *testing.T, w *world) {
			w.Settings.RefreshLifetime = time.Minute
			w.Reload(t)
			w.Pass(t, 2*time.Minute)
		}},
		{"the client's own registration does", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.RefreshTokenIdleLifetime = 60 })
			w.Pass(t, 2*time.Minute)
		}},
		{"the client has no refresh tokens any more", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.GrantTypes = []oauth.GrantType{oauth.GrantAuthorizationCode} })
		}},
		{"the resource is not the client's any more", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.Resources = []string{"https://payroll.example"} })
		}},
		{"policy allows nothing any more", func(t *testing.T, w *world) { w.withdrawPolicy(t) }},
		{"consent was withdrawn, and only that", func(t *testing.T, w *world) {
			if _, err := w.Store.WithdrawConsents(t.Context(), "user/ada", "apps.web", w.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}},
		{"the user is disabled", func(t *testing.T, w *world) { w.SetUsers(t, authtest.Person{Username: "ada", Disabled: true}) }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := users(t, authtest.Config{})
			refresh := w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, "ada", "scope", "orders.read")).Member("refresh_token")
			w.wantActive(t, w.web, refresh, true)
			c.change(t, w)
			w.wantActive(t, w.web, refresh, false)
			if a := w.Refresh(t, w.web, refresh); a.Status == http.StatusOK {
				t.Errorf("the grant gives tokens for it: %s", a.Body)
			}
		})
	}
	t.Run("scope and exp are those of now", func(t *testing.T) {
		w := users(t, authtest.Config{})
		refresh := w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, "ada", "scope", "orders.read orders.admin")).Member("refresh_token")
		w.SetUsers(t, authtest.Person{Username: "ada"})
		w.Settings.RefreshIdle = time.Minute
		w.Reload(t)
		a := w.introspect(t, w.web, refresh)
		if a.Member("scope") != "orders.read" || a.JSON()["exp"] != float64(w.Clock.Now().Add(time.Minute).Unix()) {
			t.Errorf("an admin who is none any more, and a minute: %s", a.Body)
		}
	})
}

// withdrawPolicy takes away what everybody was allowed at orders.
func (w *world) withdrawPolicy(t *testing.T) {
	t.Helper()
	p := authtest.Policy("p1", orders, "orders.read", "orders.write", "orders.admin")
	p.Generation, p.Allow = 2, nil
	w.MustPutPolicy(t, p)
}
