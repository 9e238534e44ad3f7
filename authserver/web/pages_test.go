package web

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func newPages(t *testing.T) *Pages {
	t.Helper()
	p, err := New(Options{Issuer: "https://login.example/team"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// all renders every page, with text in every string, and returns the responses
// by name.
func all(t *testing.T, text string) map[string]*httptest.ResponseRecorder {
	t.Helper()
	p := newPages(t)
	pages := map[string]func(http.ResponseWriter) error{
		"consent":   func(w http.ResponseWriter) error { return p.Consent(w, filled[Consent](text)) },
		"account":   func(w http.ResponseWriter) error { return p.Account(w, filled[Account](text)) },
		"signout":   func(w http.ResponseWriter) error { return p.SignOut(w, filled[SignOut](text)) },
		"signedout": func(w http.ResponseWriter) error { return p.SignedOut(w, filled[SignedOut](text)) },
		"error": func(w http.ResponseWriter) error {
			e := filled[Error](text)
			e.Status = http.StatusBadRequest
			return p.Error(w, e)
		},
		"formpost": func(w http.ResponseWriter) error {
			f := filled[FormPost](text)
			f.RedirectURI = "https://app.example/cb"
			return p.FormPost(w, f)
		},
		"barred": func(w http.ResponseWriter) error { return p.Barred(w, filled[Barred](text)) },
		"onward": func(w http.ResponseWriter) error {
			o := filled[Onward](text)
			o.Status, o.RedirectURI = http.StatusBadRequest, "https://app.example/cb"
			return p.Onward(w, o)
		},
	}
	for problem := range problemStatus {
		s := filled[SignIn](text)
		s.Problem = problem
		pages["signin "+string(problem)] = func(w http.ResponseWriter) error { return p.SignIn(w, s) }
	}
	out := map[string]*httptest.ResponseRecorder{}
	for name, render := range pages {
		w := httptest.NewRecorder()
		if err := render(w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = w
	}
	return out
}

// filled sets every string of a page to text, every bool to true, every list to
// two elements: a field that is added later is tested too.
func filled[T any](text string) T {
	var page T
	fill(reflect.ValueOf(&page).Elem(), text)
	return page
}

func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(720 * time.Hour))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

func elements(t *testing.T, body string) []html.Token {
	t.Helper()
	var out []html.Token
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			out = append(out, z.Token())
		}
	}
}

func attr(e html.Token, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// A9: whatever a client, an upstream provider or a stranger wrote stays text.
func TestA9NothingFromOutsideBecomesMarkup(t *testing.T) {
	known := markup(t)
	for _, text := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `javascript:alert(1)`,
		`JaVaScRiPt:alert(1)`, "java\nscript:alert(1)", `data:text/html,<script>alert(1)</script>`, `</title><script>alert(1)</script>`,
		`--><script>`, `//evil.example/x`, `/\evil.example`, `{{.}}`, "\u202egnp.exe", "\x00<b>", "\xff<b>", `https://u@evil.example/`,
	} {
		for name, w := range all(t, text) {
			for _, e := range elements(t, w.Body.String()) {
				if !known[e.Data] {
					t.Errorf("%s with %q: there is a new element <%s>", name, text, e.Data)
				}
				for _, a := range e.Attr {
					value := strings.ToLower(a.Val)
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
						t.Errorf("%s with %q: attribute %s", name, text, a.Key)
					}
					navigates := a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "formaction"
					if navigates && (strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "data:")) {
						t.Errorf("%s with %q: %s=%q", name, text, a.Key, a.Val)
					}
				}
			}
			if turned.MatchString(w.Body.String()) {
				t.Errorf("%s: text can be turned around", name)
			}
			if csp := w.Header().Get("Content-Security-Policy"); strings.ContainsAny(csp, "<>\"\n\\") {
				t.Errorf("%s with %q: policy %q", name, text, csp)
			}
		}
	}
}

// turned finds a bidirectional override in text; in the values of attributes it
// turns nothing around.
var turned = regexp.MustCompile(`>[^<]*\x{202e}`)

// markup is the set of elements that pages have, with and without links.
func markup(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, text := range []string{"x", "https://x.example/"} {
		for _, w := range all(t, text) {
			for _, e := range elements(t, w.Body.String()) {
				found[e.Data] = true
			}
		}
	}
	return found
}

func TestA9NoPageCanBeFramedOrLoadsFromElsewhere(t *testing.T) {
	for name, w := range all(t, "https://evil.example/logo.png") {
		h := w.Header()
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action "} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s: %s", name, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(csp, "script-src") != (name == "formpost" || name == "consent") {
			t.Errorf("%s: policy %s", name, csp)
		}
		for header, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
		} {
			if h.Get(header) != want {
				t.Errorf("%s: %s is %q, want %q", name, header, h.Get(header), want)
			}
		}
		// no-referrer would give our own forms `Origin: null`.
		want := "same-origin"
		if name == "formpost" || name == "onward" {
			want = "strict-origin"
		}
		if got := h.Get("Referrer-Policy"); got != want {
			t.Errorf("%s: Referrer-Policy %q, want %q", name, got, want)
		}
		for _, e := range elements(t, w.Body.String()) {
			if e.Data != "img" && e.Data != "script" && e.Data != "link" {
				continue
			}
			src, _ := attr(e, "src")
			href, _ := attr(e, "href")
			if !strings.HasPrefix(src+href, "/team/assets/") {
				t.Errorf("%s: <%s> loads %q", name, e.Data, src+href)
			}
		}
	}
}

func TestA12FailedSignInsLookTheSame(t *testing.T) {
	// There is one problem for all of them: its page depends on nothing else.
	p := newPages(t)
	w := httptest.NewRecorder()
	if err := p.SignIn(w, SignIn{Local: true, Username: "ada", Problem: ProblemRefused}); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "The user name or the password is not right, or there were too many attempts") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	for _, told := range []string{"unknown", "disabled", "locked"} {
		if strings.Contains(w.Body.String(), told) {
			t.Errorf("the page says %q", told)
		}
	}
}

func TestPagesAreAccessible(t *testing.T) {
	for name, w := range all(t, "https://x.example/a") {
		t.Run(name, func(t *testing.T) {
			labels, ids, count := map[string]bool{}, map[string]int{}, map[string]int{}
			body := w.Body.String()
			es := elements(t, body)
			for _, e := range es {
				count[e.Data]++
				if target, ok := attr(e, "for"); ok {
					labels[target] = true
				}
				if id, ok := attr(e, "id"); ok {
					ids[id]++
				}
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("id %q %d times", id, n)
				}
			}
			for _, e := range es {
				kind, _ := attr(e, "type")
				if id, _ := attr(e, "id"); e.Data == "input" && kind != "hidden" && !labels[id] {
					t.Errorf("input %q has no label", id)
				}
				if _, ok := attr(e, "alt"); e.Data == "img" && !ok {
					t.Error("an image has no alt")
				}
				if tab, ok := attr(e, "tabindex"); ok && tab != "-1" && tab != "0" {
					t.Errorf("tabindex %s changes the focus order", tab)
				}
				for _, ref := range []string{"aria-labelledby", "aria-describedby"} {
					if id, ok := attr(e, ref); ok && ids[id] == 0 {
						t.Errorf("%s names %q, which is not there", ref, id)
					}
				}
				if e.Data == "button" && kind != "submit" {
					t.Error("a button needs a script")
				}
			}
			if count["h1"] != 1 || count["main"] != 1 || count["title"] != 1 {
				t.Errorf("h1, main, title: %d, %d, %d", count["h1"], count["main"], count["title"])
			}
			if !strings.Contains(body, `<html lang="en">`) || !strings.Contains(body, "width=device-width, initial-scale=1") {
				t.Error("lang or viewport is missing")
			}
			problem := strings.TrimPrefix(name, "signin ")
			if wrong := name == "error" || name == "onward" || name == "barred" || strings.HasPrefix(name, "signin ") && problem != ""; wrong != strings.Contains(body, `role="alert"`) || wrong != strings.Contains(body, "<title>Error: ") {
				t.Errorf("role=alert %v, want %v, and Error: in the title", !wrong, wrong)
			}
		})
	}
}

func TestSignInFormSuitsPasswordManagers(t *testing.T) {
	w := all(t, "ada")["signin "]
	want := map[string]string{"username": "username", "password": "current-password"}
	for _, e := range elements(t, w.Body.String()) {
		id, _ := attr(e, "id")
		if complete, _ := attr(e, "autocomplete"); e.Data == "input" && want[id] != "" && complete == want[id] {
			delete(want, id)
		}
	}
	if len(want) > 0 {
		t.Errorf("autocomplete is wrong for %v", want)
	}
}

func TestConsentPageSaysWhatMatters(t *testing.T) {
	app := App{ClientID: "hr.portal", Name: "Hiring Portal", Operator: "hr", Homepage: "https://hr.example/"}
	base := Consent{
		App: app, RedirectURI: "https://app.hr.example/cb", Person: "Ada", KeepFor: 720 * time.Hour, AccessFor: 15 * time.Minute,
		Access: []Access{{Resource: "https://api.example", Scopes: []Scope{{Name: "read", Text: "Read your calendar"}, {Name: "raw"}, {Name: "openid", Text: "Know you", Known: true}}}},
	}
	for name, c := range map[string]struct {
		change  func(*Consent)
		has, no []string
	}{
		"declared":        {nil, []string{`<span class="front">app.</span>hr.example</strong>`, "Hiring Portal", "<bdi>hr</bdi>", "Read your calendar", "<code>raw</code>", "already allowed", "30 days", "https://api.example", `value="allow"`, `value="deny"`}, []string{"not verified"}},
		"self-registered": {func(c *Consent) { c.App.Operator = "" }, []string{"This app is not verified"}, []string{"Run by"}},
		"loopback":        {func(c *Consent) { c.RedirectURI, c.App.Operator = "http://127.0.0.1:3000/cb", "" }, []string{"<title>Allow an app on this computer?", ">An app on this computer<", "127.0.0.1:3000"}, nil},
		"own scheme":      {func(c *Consent) { c.RedirectURI = "com.example.app:/cb" }, []string{"An app on this device", "<code>com.example.app</code>"}, nil},
		"no refresh":      {func(c *Consent) { c.KeepFor = 0 }, []string{"15 minutes"}, []string{"while you are away"}},
		"nothing new":     {func(c *Consent) { c.Access = []Access{{c.Access[0].Resource, c.Access[0].Scopes[2:]}} }, []string{"You have already allowed it to"}, []string{"It asks to"}},
		"no name":         {func(c *Consent) { c.App.Name = "\u200b" }, []string{"hr.portal"}, nil},
		"its account":     {func(c *Consent) { c.AccountURL = "https://login.example/account" }, []string{`<a href="https://login.example/account"`}, nil},
		"a remote logo":   {func(c *Consent) { c.App.Logo = "https://evil.example/l.png" }, []string{">HP</span>"}, []string{"evil.example"}},
		"our copy":        {func(c *Consent) { c.App.Logo = "/team/oauth/logo/abc" }, []string{`<object class="logo" data="/team/oauth/logo/abc" type="image/png"`, ">HP</span></object>"}, []string{"<img class"}},
	} {
		t.Run(name, func(t *testing.T) {
			page := base
			if c.change != nil {
				c.change(&page)
			}
			w := httptest.NewRecorder()
			if err := newPages(t).Consent(w, page); err != nil {
				t.Fatal(err)
			}
			body := w.Body.String()
			for _, want := range c.has {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, not := range c.no {
				if strings.Contains(body, not) {
					t.Errorf("the page has %q", not)
				}
			}
			if i, j := strings.Index(body, "<h1>"), strings.Index(body, page.App.DisplayName()+"</bdi>"); i > j {
				t.Error("the name, which is the app's own word, comes before the host")
			}
		})
	}
}

// Whoever types a password reads first where it leads to, and no sentence that a
// stranger wrote.
func TestSignInPageSaysWhoNobodyChecked(t *testing.T) {
	long := strings.Repeat("Google Accounts has checked this app. ", 5)
	for name, c := range map[string]struct {
		app     App
		uri     string
		has, no []string
	}{
		"declared":      {App{Name: "Hiring Portal", Operator: "hr"}, "https://app.hr.example/cb", []string{"<strong>Hiring Portal</strong>", `<span class="front">app.</span>hr.example`}, []string{"not verified", "calls itself"}},
		"a stranger":    {App{Name: long}, "https://evil.example/cb", []string{"This app is not verified.", `<strong class="host">evil.example</strong>, which calls itself <bdi>“Google Accounts has checked this app. Go…”</bdi>`}, []string{"app. Google"}},
		"quotes":        {App{Name: `x” of google.example. It is “good`}, "https://evil.example/cb", []string{"<bdi>“x&#39; of google.example. It is &#39;good”</bdi>"}, nil},
		"on a computer": {App{Name: "Notes"}, "http://127.0.0.1:7777/cb", []string{"<strong>an app on this computer</strong>, which calls itself", "trust the app you came from"}, []string{"127.0.0.1</"}},
		"on a device":   {App{Name: "Notes"}, "com.example.app:/cb", []string{"<strong>an app on this device</strong>, which calls itself"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			if err := newPages(t).SignIn(w, SignIn{Local: true, App: &c.app, RedirectURI: c.uri}); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.has {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("the page lacks %q:\n%s", want, w.Body)
				}
			}
			for _, not := range c.no {
				if strings.Contains(w.Body.String(), not) {
					t.Errorf("the page has %q", not)
				}
			}
		})
	}
}

func TestAccountSaysWhereAppsAre(t *testing.T) {
	at := func(uris ...string) AccountApp {
		return AccountApp{App: App{ClientID: "id", Name: "Google", RedirectURIs: uris}}
	}
	for want, app := range map[string]AccountApp{
		`<strong class="host">a.example</strong>, <strong class="host">b.example:8443</strong>`: at("https://a.example/cb", "https://a.example/other", "https://b.example:8443/cb"),
		`<strong class="host">xn--80ak6aa92e.example</strong>`:                                  at("https://xn--80ak6aa92e.example/cb"),
		`<strong>An app on this computer</strong>`:                                              at("http://127.0.0.1:1/cb", "http://localhost:2/cb", "http://[::1]/cb"),
		`<strong class="host">a.example</strong>, <strong>an app on this computer</strong>`:     at("https://a.example/cb", "http://127.0.0.1:1/cb"),
		`<strong>An app on this device</strong> (<code>com.example.app</code>)`:                 at("com.example.app:/cb"),
		`<code>id</code>`: at(),
	} {
		w := httptest.NewRecorder()
		if err := newPages(t).Account(w, Account{Apps: []AccountApp{app}}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(w.Body.String(), "<h3>"+want+"</h3>") {
			t.Errorf("the page lacks %q:\n%s", want, w.Body)
		}
	}
}

func TestFormPostPage(t *testing.T) {
	p := newPages(t)
	w := httptest.NewRecorder()
	err := p.FormPost(w, FormPost{RedirectURI: "https://app.example/cb?a=b&c=d", Fields: []Field{{"code", "c1"}, {"state", `"><script>`}}})
	if err != nil {
		t.Fatal(err)
	}
	var fields, action string
	for _, e := range elements(t, w.Body.String()) {
		if e.Data == "form" {
			action, _ = attr(e, "action")
		}
		if e.Data == "input" {
			name, _ := attr(e, "name")
			value, _ := attr(e, "value")
			fields += name + "=" + value + ";"
		}
	}
	if action != "https://app.example/cb?a=b&c=d" || fields != `code=c1;state="><script>;` {
		t.Errorf("action %q, fields %q", action, fields)
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action https:;") {
		t.Errorf("policy %s", csp)
	}
	for _, bad := range []string{"com.example.app:/cb", "javascript:alert(1)", "", "/relative"} {
		if err := p.FormPost(httptest.NewRecorder(), FormPost{RedirectURI: bad}); err == nil {
			t.Errorf("a form for %q", bad)
		}
		if err := p.Onward(httptest.NewRecorder(), Onward{Status: http.StatusBadRequest, RedirectURI: bad}); err == nil {
			t.Errorf("a way on to %q", bad)
		}
	}
}

func TestNewWantsAnIssuer(t *testing.T) {
	for _, bad := range []string{"", "login.example", "://"} {
		if _, err := New(Options{Issuer: bad}); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}
