package authserver_test

import (
	"net/url"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

// What anybody can bring about calls nobody out of bed.
func TestEverydayErrorsAreNoFailures(t *testing.T) {
	w, _ := newAccount(t, authtest.Config{})
	b := w.NewBrowser(t)
	for rule, send := range map[string]func() authtest.Page{
		"a prt that is none": func() authtest.Page { return b.Get(t, w.URL+"/oauth/continue?prt=x") },
		"an unknown client":  func() authtest.Page { return b.Get(t, w.URL+"/oauth/authorize?client_id=x") },
		"another site's form": func() authtest.Page {
			return w.postPage(t, b, "/oauth/continue", url.Values{}, "Origin", "https://evil.example")
		},
		"a form without a token": func() authtest.Page {
			return w.postPage(t, w.browserOf(t), "/account/withdraw", url.Values{"client_id": {"x"}})
		},
		"a form that is too large": func() authtest.Page {
			return w.postPage(t, b, "/oauth/continue", url.Values{"x": {strings.Repeat("a", 40<<10)}})
		},
	} {
		if p := send(); p.Status < 400 || p.Status >= 500 {
			t.Errorf("%s: %d", rule, p.Status)
		}
	}
	if log := w.Log.String(); strings.Contains(log, `"level":"ERROR","msg":"request failed"`) || !strings.Contains(log, `"level":"DEBUG","msg":"request failed"`) {
		t.Errorf("logged\n%s", log)
	}
}

// browserOf is a browser in which somebody is signed in.
func (w *people) browserOf(t *testing.T) *authtest.Browser {
	t.Helper()
	b := w.NewBrowser(t)
	b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
	return b
}
