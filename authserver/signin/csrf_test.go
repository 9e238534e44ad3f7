package signin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"clientele.dev/clientele/authserver/credential"
)

func TestA20CSRFTokenIsForOneFormAndOneBrowser(t *testing.T) {
	c := CSRF{Keys: serverKeys(t)}
	mine, yours := NewCookieValue(), NewCookieValue()
	token := c.Token(FormConsent, mine, "request 1")
	if !c.Check(token, FormConsent, mine, "request 1") {
		t.Fatal("the token is not accepted where it belongs")
	}
	for name, ok := range map[string]bool{
		"another browser":  c.Check(token, FormConsent, yours, "request 1"),
		"another form":     c.Check(token, FormSignIn, mine, "request 1"),
		"another request":  c.Check(token, FormConsent, mine, "request 2"),
		"no detail":        c.Check(token, FormConsent, mine),
		"no cookie":        c.Check(token, FormConsent, "", "request 1"),
		"no token":         c.Check("", FormConsent, mine, "request 1"),
		"other keys":       CSRF{Keys: serverKeys(t)}.Check(token, FormConsent, mine, "request 1"),
		"a cut token":      c.Check(token[:len(token)-1], FormConsent, mine, "request 1"),
		"token of nothing": c.Check(c.Token(FormConsent, ""), FormConsent, ""),
		"cookie moved":     c.Check(c.Token(FormConsent, credential.Secret(mine.Reveal()+"x")), FormConsent, mine, "x"),
	} {
		if ok {
			t.Errorf("accepted: %s", name)
		}
	}
}

func TestA20OriginOfAForm(t *testing.T) {
	const own = "https://login.example"
	for name, c := range map[string]struct {
		method, site, origin string
		ok                   bool
	}{
		"our page":                            {http.MethodPost, "same-origin", own, true},
		"our page, browser without referrers": {http.MethodPost, "same-origin", "null", true},
		"our page, old browser":               {http.MethodPost, "", own, true},
		"no browser":                          {http.MethodPost, "", "", true},
		"another site":                        {http.MethodPost, "cross-site", "https://evil.example", false},
		"a neighbour host":                    {http.MethodPost, "same-site", "https://evil.login.example", false},
		"another site, forged Origin":         {http.MethodPost, "cross-site", own, false},
		"another site, old browser":           {http.MethodPost, "", "https://evil.example", false},
		"http of our host, old browser":       {http.MethodPost, "", "http://login.example", false},
		"another port, old browser":           {http.MethodPost, "", own + ":8443", false},
		"a longer host, old browser":          {http.MethodPost, "", own + ".evil.example", false},
		"sandboxed frame":                     {http.MethodPost, "cross-site", "null", false},
		"sandboxed frame, old browser":        {http.MethodPost, "", "null", false},
		"a form that nobody's page sent":      {http.MethodPost, "none", own, false},
		"a bookmark":                          {http.MethodGet, "none", "", true},
		"a link of ours":                      {http.MethodGet, "same-origin", "", true},
		"a link of another site":              {http.MethodGet, "cross-site", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/oauth/continue", nil)
			r.Host = "evil.example" // must not matter
			for header, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			if err := CheckOrigin(r, own); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrForeignOrigin) {
				t.Errorf("got %v, want ok %v", err, c.ok)
			}
		})
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header["Origin"] = []string{own, "https://evil.example"}
	if CheckOrigin(r, own) == nil {
		t.Error("two Origins are accepted")
	}
}

func TestOrigin(t *testing.T) {
	for in, want := range map[string]string{
		"https://login.example/tenant": "https://login.example", "http://127.0.0.1:8080": "http://127.0.0.1:8080",
		"com.example.app:/cb": "", "": "", "://": "",
	} {
		if got := Origin(in); got != want {
			t.Errorf("Origin(%q) = %q, want %q", in, got, want)
		}
	}
}
