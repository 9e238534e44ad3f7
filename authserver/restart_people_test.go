package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

// unavailable wants an outage: nothing that says of a token, a code or a person that
// they are no good.
func unavailable(t *testing.T, what string, a authtest.Answer) {
	t.Helper()
	if a.Status != http.StatusServiceUnavailable || a.Member("error") != "temporarily_unavailable" || a.JSON()["active"] != nil || a.Header.Get("Retry-After") == "" {
		t.Errorf("%s: %d %s", what, a.Status, a.Body)
	}
}

// TestARestartWithoutTheUsersRefusesNobody: a replica that could not read the local
// users yet does not know whether somebody is gone, and does not say so.
func TestARestartWithoutTheUsersRefusesNobody(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		before := peopleAt(t, authtest.Start(t, open(on)))
		access, refresh := before.tokens(t, before.app, "resource", api, "scope", "openid read")
		code := before.Code(t, before.browser, before.app, "ada")
		before.Users.Forget()
		after := before.at(t, before.Restart(t, authtest.Config{}))

		unavailable(t, "refresh", after.Refresh(t, after.app, refresh))
		unavailable(t, "redeem a code", after.Exchange(t, after.app, code))
		unavailable(t, "introspect", after.postAs(t, after.rs, "/oauth/introspect", "token", access))
		unavailable(t, "introspect a refresh token", after.postAs(t, after.app, "/oauth/introspect", "token", refresh))
		unavailable(t, "userinfo", after.userinfo(t, access))
		after.MustToken(t, after.machine) // machines are not concerned
		before.browser.At(after.Server)
		if p := before.browser.Get(t, after.Issuer+"/account"); p.Status != http.StatusServiceUnavailable || p.AsksPassword() {
			t.Errorf("the account page of a session: %d %s", p.Status, p.Body)
		}
		if p := before.browser.Get(t, after.AuthorizeURL(after.app)); p.AsksPassword() || p.Callback.Get("code") != "" {
			t.Errorf("a session: %d %s", p.Status, p.URL)
		}

		after.SetUsers(t, authtest.Person{Username: "ada"})
		if !after.active(t, after.rs, access) || after.userinfo(t, access).Status != http.StatusOK || !after.refreshes(t, after.app, refresh) {
			t.Error("tokens ended")
		}
		after.MustExchange(t, after.app, code)
		if p := before.browser.Get(t, after.AuthorizeURL(after.app)); p.Callback.Get("code") == "" {
			t.Errorf("the session ended: %d %s", p.Status, p.URL)
		}
		after.SetUsers(t)
		refused(t, "once it is known that ada is gone", after.Refresh(t, after.app, refresh), "invalid_grant")
	})
}

// TestNoPasswordIsWrongWhileTheUsersAreNotKnown: whoever signs in is told that it is
// not possible now, and is not locked out for trying.
func TestNoPasswordIsWrongWhileTheUsersAreNotKnown(t *testing.T) {
	w := peopleAt(t, authtest.Start(t, open(authtest.Config{})))
	w.Users.Forget()
	page := w.browser.Get(t, w.AuthorizeURL(w.app))
	for range 12 {
		if page.Status != http.StatusServiceUnavailable || !page.AsksPassword() || !strings.Contains(page.Body, "not possible at the moment") {
			t.Fatalf("sign-in: %d %s", page.Status, page.Body)
		}
		page = w.browser.SignIn(t, page, "ada")
	}
	if strings.Contains(w.Log.String(), "user.sign_in_refused") {
		t.Error("the audit log tells of refused sign-ins")
	}
	account := w.browser.Get(t, w.Issuer+"/account")
	if account = w.browser.SignIn(t, account, "ada"); account.Status != http.StatusServiceUnavailable || !account.AsksPassword() {
		t.Errorf("sign-in at the account page: %d %s", account.Status, account.Body)
	}
	w.SetUsers(t, authtest.Person{Username: "ada"})
	if page = w.browser.Complete(t, page, "ada"); page.Callback.Get("code") == "" {
		t.Errorf("once the users are known: %d %s", page.Status, page.Body)
	}
}

// TestPeopleOfProvidersThatAreNotKnownYetAreNotRefused: the same for those who signed
// in at a provider, before the first settings were read.
func TestPeopleOfProvidersThatAreNotKnownYetAreNotRefused(t *testing.T) {
	w := startWork(t)
	b := w.NewBrowser(t)
	a := w.MustExchange(t, w.web, w.code(t, b, w.web, "openid orders.read"))
	known := w.upstreams
	w.upstreams = nil
	unavailable(t, "refresh", w.Refresh(t, w.web, a.Member("refresh_token")))
	if p := b.Get(t, w.Issuer+"/account"); p.Status != http.StatusServiceUnavailable {
		t.Errorf("the account page of a session: %d %s", p.Status, p.Body)
	}
	w.upstreams = known
	if a = w.Refresh(t, w.web, a.Member("refresh_token")); a.Status != http.StatusOK {
		t.Errorf("once the providers are known: %d %s", a.Status, a.Body)
	}
	w.configure(t)
	refused(t, "once it is known that the provider is gone", w.Refresh(t, w.web, a.Member("refresh_token")), "invalid_grant")
}
