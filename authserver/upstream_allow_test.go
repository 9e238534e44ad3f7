package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/idptest"
	"clientele.dev/clientele/authserver/signin"
)

// B14: a person whom the settings do not allow sees a page that says so and whom to
// ask. Nothing is stored for them, the log has the reason, and another account works.
func TestB14APersonWhoIsNotAllowed(t *testing.T) {
	w := signInAtWork(t, func(p *signin.Provider) {
		p.Allow = signin.Allow{Claims: []signin.AllowedClaim{{Name: "sub", Values: []string{idptest.OtherSubject}}}, Contact: "it@corp.example"}
	})
	w.idp.ChoosesOther = true // whoever may choose an account is Grace
	for _, start := range []string{w.AuthorizeURL(w.web, "scope", "orders.read"), w.Issuer + "/account"} {
		b := w.NewBrowser(t)
		page := w.through(t, b, b.Get(t, start))
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "You cannot sign in here with this account") ||
			!strings.Contains(page.Body, "<bdi>it@corp.example</bdi>") || !strings.Contains(page.Body, "<bdi>Work</bdi>") || strings.Contains(page.Body, "claim sub") {
			t.Fatalf("%s: %d %s\n%s", start, page.Status, page.URL, page.Body)
		}
		log := w.Log.String()
		if !strings.Contains(log, "claim sub has none of the listed values") || !strings.Contains(log, `"event":"user.sign_in_refused"`) || strings.Contains(log, `"event":"user.signed_in"`) {
			t.Error("the log lacks the reason, or says that they signed in")
		}
		if account := b.Get(t, w.Issuer+"/account"); strings.Contains(account.Body, "Ada") {
			t.Error("they are signed in")
		}
		page = b.Get(t, link(t, page)) // use another account
		if !page.AsksPassword() {
			t.Fatalf("another account: %d %s", page.Status, page.URL)
		}
	}
	b := w.NewBrowser(t)
	page := w.through(t, b, b.Get(t, link(t, w.through(t, b, b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read"))))))
	if !page.AsksConsent() {
		t.Errorf("another account: %d %s\n%s", page.Status, page.URL, page.Body)
	}
}
