package authserver_test

import (
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

// B3, B25: an equivalent spelling of a resource is the resource, at every grant; aud is as
// declared.
func TestB3SpellingsOfAResource(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	for _, spelling := range []string{api + "/", "HTTPS" + api[len("https"):], api} {
		w.wantAudience(t, spelling, w.Token(t, w.machine, "resource", spelling, "scope", "read"))
		b := w.NewBrowser(t)
		code := w.Code(t, b, w.app, "ada", "resource", spelling)
		a := w.Exchange(t, w.app, code, "resource", spelling)
		w.wantAudience(t, spelling, a)
		w.wantAudience(t, spelling, w.Refresh(t, w.app, a.Member("refresh_token"), "resource", spelling))
	}
	for _, other := range []string{api + "//", api + "/x", api + ":8443"} {
		if a := w.Token(t, w.machine, "resource", other, "scope", "read"); a.Error() != "invalid_target" {
			t.Errorf("%s: %d %s", other, a.Status, a.Body)
		}
	}
}

func (w *people) wantAudience(t *testing.T, spelling string, a authtest.Answer) {
	t.Helper()
	token := a.Member("access_token")
	if a.Status != 200 || token == "" {
		t.Fatalf("%s: %d %s", spelling, a.Status, a.Body)
	}
	if aud := w.postAs(t, w.rs, "/oauth/introspect", "token", token).Member("aud"); aud != api {
		t.Errorf("%s: aud %q, want %q", spelling, aud, api)
	}
}
