package authserver_test

import (
	"net/http"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// TestA19AnotherClientUnderTheSameID, or another incarnation of it, inherits
// nothing of what people allowed: it asks, and then it gets what it asked for. All
// within one second.
func TestA19AnotherClientUnderTheSameID(t *testing.T) {
	for name, again := range map[string]func(t *testing.T, w *world){
		"a new uid": func(t *testing.T, w *world) {
			w.reregister(t, func(m *oauth.Managed) { m.Owner.UID, m.Counter = "uid-new", 2 })
		},
		"removed, and registered by another owner": func(t *testing.T, w *world) {
			const path = "/oauth/register/apps.public?owner_namespace=apps&owner_name=public&owner_uid=uid-public&counter=1"
			if a := w.Do(t, http.MethodDelete, path, "", "Authorization", "Bearer "+authtest.RegistrarToken); a.Status != http.StatusNoContent {
				t.Fatalf("delete: %d %s", a.Status, a.Body)
			}
			w.reregister(t, func(m *oauth.Managed) { m.Owner.UID, m.Owner.Name, m.Generation = "uid-other", "other-name", 1 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := users(t, authtest.Config{})
			b := w.NewBrowser(t)
			all := []string{"scope", "openid orders.read orders.write"}
			before := w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada", all...))
			pending := w.Code(t, b, w.public, "ada", all...)
			again(t, w)

			refused(t, "refresh", w.Refresh(t, w.public, before.Member("refresh_token")), "invalid_grant")
			refused(t, "a code on its way", w.Exchange(t, w.public, pending), "invalid_grant")
			if apps, err := w.Store.FamiliesOf(t.Context(), "user/ada", w.Clock.Now()); err != nil || len(apps) != 0 {
				t.Errorf("families %+v, %v are left", apps, err)
			}

			page := b.Get(t, w.AuthorizeURL(w.public, "scope", "orders.read"))
			if !page.AsksConsent() {
				t.Fatalf("no consent page: %d at %s", page.Status, page.URL)
			}
			page = b.Submit(t, page, "decision", "allow")
			w.MustExchange(t, w.public, page.Callback.Get("code"))
			if page = b.Get(t, w.AuthorizeURL(w.public, "scope", "orders.read")); page.AsksConsent() {
				t.Error("asked again for what was allowed to this one")
			}
			if page = b.Get(t, w.AuthorizeURL(w.public, "scope", "orders.read orders.write")); !page.AsksConsent() {
				t.Errorf("a scope that was allowed to the one before is granted unasked: %v", page.Callback)
			}
		})
	}
}

// TestA19TokensOfAnEarlierIncarnationEnd, also those of a client that acts for itself,
// which have no family that ends.
func TestA19TokensOfAnEarlierIncarnationEnd(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	token := w.MustToken(t, w.machine, "resource", api)
	if !w.active(t, w.rs, token) {
		t.Fatal("not active when it was issued")
	}
	w.Pass(t, 2*time.Second)
	again := w.machine.Registration
	managed := *again.Managed
	again.Managed = &managed
	managed.Owner.UID, managed.Counter, managed.Generation = "uid-new", 2, 1
	if a := w.Register(t, again); a.Status != http.StatusOK {
		t.Fatalf("register again: %d %s", a.Status, a.Body)
	}
	if w.active(t, w.rs, token) {
		t.Error("it outlives the client that it was issued to")
	}
	if !w.active(t, w.rs, w.MustToken(t, w.machine, "resource", api)) {
		t.Error("the new client's own is not active")
	}
}
