package authserver_test

import (
	"net/http"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
)

// TestARestartEndsNothing that people or clients have, and revives nothing.
func TestARestartEndsNothing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		before := peopleAt(t, authtest.Start(t, open(on, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })))
		access, refresh := before.tokens(t, before.app, "resource", api)
		revoked, revokedRefresh := before.tokens(t, before.other, "resource", api)
		before.postAs(t, before.other, "/oauth/revoke", "token", revokedRefresh)
		machine := before.MustToken(t, before.machine, "resource", api)
		revokedMachine := before.MustToken(t, before.machine, "resource", api)
		before.postAs(t, before.machine, "/oauth/revoke", "token", revokedMachine)
		code, used := before.Code(t, before.browser, before.app, "ada"), before.Code(t, before.browser, before.app, "ada")
		usedAccess := before.MustExchange(t, before.app, used).Member("access_token")
		self, token := mustSelfRegister(t, before.Server, seed1)
		pending := before.NewBrowser(t)
		page := pending.Get(t, before.AuthorizeURL(before.app))
		for range 10 {
			guess(t, before.Server, before.NewBrowser(t), before.app)
		}

		after := before.at(t, before.Restart(t, authtest.Config{}))
		if !after.active(t, after.rs, access) || !after.active(t, after.rs, machine) || !after.refreshes(t, after.app, refresh) {
			t.Error("tokens ended")
		}
		if after.active(t, after.rs, revoked) || after.active(t, after.rs, revokedMachine) || after.refreshes(t, after.other, revokedRefresh) {
			t.Error("revoked tokens are good again")
		}
		after.MustToken(t, after.machine)
		after.MustExchange(t, after.app, code)
		refused(t, "A3: a code that was used before", after.Exchange(t, after.app, used), "invalid_grant")
		if after.userinfo(t, usedAccess).Status != http.StatusUnauthorized {
			t.Error("A3: its token outlives the second use")
		}
		if a := after.SendText(t, http.MethodGet, "/oauth/register/"+self, token, ""); a.Status != http.StatusOK {
			t.Errorf("a client that registered itself: %d %s", a.Status, a.Body)
		}
		before.browser.At(after.Server)
		if p := before.browser.Get(t, after.AuthorizeURL(after.app)); p.Callback.Get("code") == "" {
			t.Errorf("a session: %d %s", p.Status, p.URL)
		}
		pending.At(after.Server)
		if p := pending.SignIn(t, page, "ada"); !p.AsksPassword() {
			t.Errorf("A17: the lockout was forgotten: %d %s", p.Status, p.URL)
		}
		after.Pass(t, time.Hour)
		if p := pending.Complete(t, pending.Get(t, after.AuthorizeURL(after.app)), "ada"); p.Callback.Get("code") == "" {
			t.Errorf("an hour later: %d %s", p.Status, p.URL)
		}
	})
}
