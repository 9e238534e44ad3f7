package authserver_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

const afterLogout = "https://app.example/bye"

func newAccount(t *testing.T, on authtest.Config) (*people, authtest.Client) {
	t.Helper()
	w := newPeople(t, on)
	w.SetUsers(t, authtest.Person{Username: "ada"}, authtest.Person{Username: "eve"})
	c := w.MustRegister(t, authtest.NewClient("logout", authtest.WithCode("openid read", api), func(r *oauth.Registration) {
		r.PostLogoutRedirectURIs = []string{afterLogout}
	}))
	return w, c
}

// forms are those of a page, by what their action ends with.
func forms(p authtest.Page) map[string]url.Values {
	found := map[string]url.Values{}
	for _, form := range strings.Split(p.Body, "<form ")[1:] {
		form, _, _ = strings.Cut(form, "</form>")
		action := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(form)[1]
		part := authtest.Page{Answer: authtest.Answer{Body: form}}
		_, fields := part.Form()
		found[action[strings.LastIndexByte(action, '/')+1:]+" "+fields.Get("client_id")+fields.Get("session")] = fields
	}
	return found
}

func (w *people) postPage(t *testing.T, b *authtest.Browser, path string, form url.Values, header ...string) authtest.Page {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Origin", w.URL)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.Send(t, r)
}

func TestA19WithdrawnOnTheAccountPage(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, _ := newAccount(t, on)
		access, refresh := w.tokens(t, w.app, "resource", api)
		otherAccess, _ := w.tokens(t, w.other, "resource", api)
		page := w.browser.Get(t, w.URL+"/account")
		if page.Status != 200 || !strings.Contains(page.Body, "apps.app") || !strings.Contains(page.Body, "Name of ada") || page.Header.Get("Content-Security-Policy") == "" || page.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", page.Status, page.Body)
		}
		form := forms(page)["withdraw apps.app"]
		if form == nil {
			t.Fatalf("no form to withdraw: %v", forms(page))
		}
		// A20: not by a page of another site, nor without the token, nor with another form's.
		eve := w.NewBrowser(t)
		w.Code(t, eve, w.app, "eve", "resource", api)
		evil := forms(eve.Get(t, w.URL+"/account"))["withdraw apps.app"]
		if evil["csrf"] == nil {
			t.Fatal("eve has no form of the same kind")
		}
		for rule, try := range map[string]func() authtest.Page{
			"another origin": func() authtest.Page {
				return w.postPage(t, w.browser, "/account/withdraw", form, "Origin", "https://evil.example")
			},
			"cross-site": func() authtest.Page {
				return w.postPage(t, w.browser, "/account/withdraw", form, "Sec-Fetch-Site", "cross-site")
			},
			"no token": func() authtest.Page {
				return w.postPage(t, w.browser, "/account/withdraw", url.Values{"client_id": {"apps.app"}})
			},
			"another person's token": func() authtest.Page {
				return w.postPage(t, w.browser, "/account/withdraw", url.Values{"client_id": {"apps.app"}, "csrf": evil["csrf"]})
			},
			"another form's token": func() authtest.Page {
				return w.postPage(t, w.browser, "/account/withdraw", url.Values{"client_id": {"apps.app"}, "csrf": forms(page)["sign-out "]["csrf"]})
			},
			"GET": func() authtest.Page { return w.browser.Get(t, w.URL+"/account/withdraw?client_id=apps.app") },
		} {
			if a := try(); a.Status != 403 && a.Status != 405 {
				t.Errorf("A20 %s: %d", rule, a.Status)
			}
		}
		if !w.active(t, w.rs, access) {
			t.Fatal("A20: withdrawn by a forged form")
		}
		if done := w.postPage(t, w.browser, "/account/withdraw", form); done.Status != 200 || !strings.Contains(done.Body, "Access withdrawn") || strings.Contains(done.Body, "apps.app") {
			t.Errorf("%d %s", done.Status, done.Body)
		}
		if w.active(t, w.rs, access) || w.userinfo(t, access).Status != 401 || w.refreshes(t, w.app, refresh) {
			t.Error("it is still good for something")
		}
		if !w.active(t, w.rs, otherAccess) {
			t.Error("another app lost its access")
		}
		if page := w.browser.Get(t, w.AuthorizeURL(w.app, "resource", api)); !page.AsksConsent() {
			t.Errorf("consent is not asked for again: %d %s", page.Status, page.URL)
		}
	})
}

// Whoever is signed in could otherwise fill the audit log with apps that there are not.
func TestOnlyWhatIsWithdrawnIsAudited(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, _ := newAccount(t, on)
		w.tokens(t, w.app, "resource", api)
		form := forms(w.browser.Get(t, w.URL+"/account"))["withdraw apps.app"]
		audited := func() int { return strings.Count(w.Log.String(), `"event":"consent.withdrawn"`) }
		for i := range 20 {
			form.Set("client_id", fmt.Sprint("apps.made-up-", i))
			if a := w.postPage(t, w.browser, "/account/withdraw", form); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		if n := audited(); n != 0 {
			t.Errorf("%d events about apps that there are not", n)
		}
		form.Set("client_id", "apps.app")
		w.postPage(t, w.browser, "/account/withdraw", form)
		if n := audited(); n != 1 {
			t.Errorf("%d events, want that of what she withdrew", n)
		}
	})
}

// In the words of the page: an app "gets nothing new in your name unless you allow it
// again", also where nobody has to be asked.
func TestA19WhoWithdrawsATrustedAppIsAskedFromThenOn(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		app := w.MustRegister(t, authtest.NewClient("app", authtest.WithCode("orders.read orders.write", orders), withPost, trusted))
		people := &people{Server: w.Server}
		ada, bob := w.NewBrowser(t), w.NewBrowser(t)
		for b, who := range map[*authtest.Browser]string{ada: "ada", bob: "bob"} {
			if p := b.SignIn(t, b.Get(t, w.AuthorizeURL(app)), who); p.Callback.Get("code") == "" {
				t.Fatalf("trusted, and %s is asked: %d %s", who, p.Status, p.URL)
			}
		}
		quiet := func(b *authtest.Browser) authtest.Page { return b.Get(t, w.AuthorizeURL(app, "prompt", "none")) }
		refresh := w.MustExchange(t, app, quiet(ada).Callback.Get("code")).Member("refresh_token")
		form := forms(ada.Get(t, w.URL+"/account"))["withdraw apps.app"]
		late := quiet(ada).Callback.Get("code") // a code that is on its way
		if p := people.postPage(t, ada, "/account/withdraw", form); !strings.Contains(p.Body, "Access withdrawn") {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		refused(t, "a code of before", w.Exchange(t, app, late), "invalid_grant")
		refused(t, "a refresh token of before", w.Refresh(t, app, refresh), "invalid_grant")
		if p := quiet(ada); p.Callback.Get("error") != "consent_required" {
			t.Errorf("prompt=none: %s", p.URL)
		}
		if p := quiet(bob); p.Callback.Get("code") == "" {
			t.Errorf("another person is asked: %d %s", p.Status, p.URL)
		}
		page := ada.Get(t, w.AuthorizeURL(app, "scope", "orders.read"))
		if !page.AsksConsent() {
			t.Fatalf("not asked: %d %s", page.Status, page.URL)
		}
		if p := ada.Submit(t, page, "decision", "deny"); p.Callback.Get("error") != "access_denied" {
			t.Errorf("denied: %s", p.URL)
		}
		code := ada.Submit(t, ada.Get(t, w.AuthorizeURL(app, "scope", "orders.read")), "decision", "allow").Callback.Get("code")
		again := w.MustExchange(t, app, code)
		if a := w.Refresh(t, app, again.Member("refresh_token")); a.Status != http.StatusOK || a.Member("scope") != "orders.read" {
			t.Errorf("allowed again: %d %s", a.Status, a.Body)
		}
		if p := ada.Get(t, w.AuthorizeURL(app, "prompt", "none", "scope", "orders.read")); p.Callback.Get("code") == "" {
			t.Errorf("asked for what she allowed again: %s", p.URL)
		}
		if p := quiet(ada); p.Callback.Get("error") != "consent_required" { // orders.write too
			t.Errorf("more than she allowed again: %s", p.URL)
		}
		// Another incarnation of the app is none that she refused.
		w.Pass(t, time.Minute)
		w.change(t, app, func(r *oauth.Registration) { r.Managed.Owner.UID, r.Managed.Counter = "another", 2 })
		if p := quiet(ada); p.Callback.Get("code") == "" {
			t.Errorf("another incarnation: %s", p.URL)
		}
	})
}

// TestTheAccountPageTellsAppsApart that give themselves one name.
func TestTheAccountPageTellsAppsApart(t *testing.T) {
	w := users(t, open(authtest.Config{}))
	p := authtest.Policy("p2", "https://mail.example", "mail.read")
	p.Allow[0].SelfRegistered = true
	w.MustPutPolicy(t, p)
	b := w.NewBrowser(t)
	for _, to := range []string{"https://mail.google.example/cb", "https://xn--ggle-55da.example/cb", "http://127.0.0.1:7777/cb"} {
		var c authtest.Client
		c.Registration.ClientID, _ = mustSelfRegister(t, w.Server, `{"client_name":"Google","redirect_uris":["`+to+`"]}`)
		w.Pass(t, time.Minute) // there is a limit on registrations
		w.Code(t, b, c, "ada", "redirect_uri", to, "scope", "mail.read", "resource", "https://mail.example")
	}
	rows := strings.Split(b.Get(t, w.URL+"/account").Body, "<h3>")
	for _, want := range []string{"mail.</span>google.example", "xn--ggle-55da.example", "An app on this computer"} {
		found := 0
		for _, row := range rows {
			place, rest, _ := strings.Cut(row, "</h3>")
			if strings.Contains(place, ">"+want+"<") && strings.Contains(rest, "It calls itself <bdi>Google</bdi>") && strings.Contains(rest, "not verified") {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d rows are of %s, want 1:\n%s", found, want, strings.Join(rows, "\n"))
		}
	}
}

func TestTheAccountPageShowsFiftySessions(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
	hers, err := w.Store.SessionsOf(t.Context(), "user/ada", w.Clock.Now())
	if err != nil || len(hers) != 1 {
		t.Fatalf("%d sessions, %v", len(hers), err)
	}
	for i := range 60 { // all of them used later than hers
		other := hers[0]
		other.ID, other.Hash, other.Seen = fmt.Sprint("s", i), fmt.Sprint("hash", i), other.Seen.Add(time.Duration(i+1)*time.Minute)
		if err := w.Store.PutSession(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	page := b.Get(t, w.URL+"/account").Body
	if n := strings.Count(page, `name="session"`); n != 49 || !strings.Contains(page, "this browser") || !strings.Contains(page, "And 11 more, used longer ago") {
		t.Errorf("%d others are listed, want 49, and how many there are beside:\n%s", n, page)
	}
	if !strings.Contains(page, `value="s59"`) || strings.Contains(page, `value="s10"`) {
		t.Error("not the newest")
	}
}

func TestSignInsRefusedOnTheAccountPageAreAudited(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	if p := b.Submit(t, b.Get(t, w.Issuer+"/account"), "username", "ada", "password", "wrong-password"); !p.AsksPassword() {
		t.Fatalf("%d %s", p.Status, p.URL)
	}
	log := w.Log.String()
	if strings.Count(log, "user.sign_in_refused") != 1 || strings.Contains(log, "wrong-password") {
		t.Errorf("want one event, without what was typed:\n%s", log)
	}
}

func TestAccountSessions(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, _ := newAccount(t, on)
		first, second, eve := w.NewBrowser(t), w.NewBrowser(t), w.NewBrowser(t)
		page := first.Get(t, w.URL+"/account")
		if page.Status != 200 || !page.AsksPassword() {
			t.Fatalf("not signed in: %d %s", page.Status, page.Body)
		}
		if wrong := first.Submit(t, page, "username", "ada", "password", "wrong"); wrong.Status != 403 || !wrong.AsksPassword() {
			t.Errorf("a wrong password: %d", wrong.Status)
		}
		if stolen := w.postPage(t, w.NewBrowser(t), "/account/sign-in", forms(page)["sign-in "]); stolen.Status != 403 {
			t.Errorf("A20: a form of another browser: %d", stolen.Status)
		}
		first.SignIn(t, page, "ada")
		w.Clock.Advance(time.Minute)
		waitIssuing(t, w)
		second.SignIn(t, second.Get(t, w.URL+"/account"), "ada")
		eve.SignIn(t, eve.Get(t, w.URL+"/account"), "eve")
		if in := first.Get(t, w.URL+"/account"); !strings.Contains(in.Body, "Where you are signed in") {
			t.Fatalf("not signed in: %d %s", in.Status, in.Body)
		}
		var end url.Values
		for name, form := range forms(second.Get(t, w.URL+"/account")) {
			if strings.HasPrefix(name, "end-session") {
				end = form
			}
		}
		if end == nil {
			t.Fatal("the other session is not listed")
		}
		// Eve has a second session, and so a form of the same kind with her own token.
		twice := w.NewBrowser(t)
		twice.SignIn(t, twice.Get(t, w.URL+"/account"), "eve")
		stolen := url.Values{"session": end["session"]}
		for name, form := range forms(eve.Get(t, w.URL+"/account")) {
			if strings.HasPrefix(name, "end-session") {
				stolen["csrf"] = form["csrf"]
			}
		}
		if a := w.postPage(t, eve, "/account/end-session", stolen); a.Status != 200 || stolen["csrf"] == nil {
			t.Errorf("her token is good for her own sessions: %d %v", a.Status, stolen)
		}
		if first.Get(t, w.URL+"/account").AsksPassword() || twice.Get(t, w.URL+"/account").AsksPassword() {
			t.Error("somebody else ended the session, or hers ended")
		}
		w.postPage(t, second, "/account/end-session", end)
		if !first.Get(t, w.URL+"/account").AsksPassword() || second.Get(t, w.URL+"/account").AsksPassword() {
			t.Error("the wrong session ended, or none")
		}
		out := w.postPage(t, second, "/account/sign-out", forms(second.Get(t, w.URL+"/account"))["sign-out "])
		if out.Status != 200 || !strings.Contains(out.Body, "You are signed out") || !second.Get(t, w.URL+"/account").AsksPassword() {
			t.Errorf("sign out: %d %s", out.Status, out.Body)
		}
	})
}

// How long people stay signed in is a setting; a shorter time is in force at once.
func TestHowLongPeopleStaySignedIn(t *testing.T) {
	w, _ := newAccount(t, authtest.Config{})
	in := func(b *authtest.Browser) bool { return !b.Get(t, w.URL+"/account").AsksPassword() }
	signIn := func() *authtest.Browser {
		b := w.NewBrowser(t)
		b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
		return b
	}
	set := func(lifetime, idle time.Duration) {
		w.Settings.SessionLifetime, w.Settings.SessionIdle = lifetime, idle
		w.Reload(t)
	}
	early := signIn()
	w.Pass(t, 10*time.Minute)
	set(time.Hour, 0)
	late := signIn()
	w.Pass(t, 49*time.Minute)
	if !in(early) || !in(late) {
		t.Error("signed out too early")
	}
	w.Pass(t, time.Minute)
	set(24*time.Hour, 0)
	if !in(early) {
		t.Error("the longer lifetime does not leave the first one as it was")
	}
	w.Pass(t, 10*time.Minute)
	if in(late) {
		t.Error("a session of an hour became longer")
	}
	set(time.Hour, 0)
	if in(early) {
		t.Error("the shorter lifetime does not count for a session that had begun")
	}
	late = signIn()
	w.Pass(t, 10*time.Minute)
	set(0, 10*time.Minute)
	if in(late) {
		t.Error("the idle time does not count for a session that had begun")
	}
	late = signIn()
	for range 2 {
		w.Pass(t, 9*time.Minute)
		if !in(late) {
			t.Error("signed out while it is used")
		}
	}
	if shown := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, "/user/ada"); shown.TotalSessions != 1 {
		t.Errorf("%d sessions, want the one that is not idle", shown.TotalSessions)
	}
	w.Pass(t, 10*time.Minute)
	if in(late) {
		t.Error("an idle session goes on")
	}
}

// A browser that is closed is signed out, unless the platform team asked for more than a
// day's work.
func TestHowLongABrowserKeepsTheSession(t *testing.T) {
	w, _ := newAccount(t, authtest.Config{})
	for lifetime, want := range map[time.Duration]int{0: 0, time.Hour: 0, 12 * time.Hour: 0, 13 * time.Hour: 13 * 60 * 60, 365 * 24 * time.Hour: 365 * 24 * 60 * 60} {
		w.Settings.SessionLifetime = lifetime
		w.Reload(t)
		b := w.NewBrowser(t)
		action, form := b.Get(t, w.URL+"/account").Form()
		form.Set("username", "ada")
		form.Set("password", authtest.Password)
		r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(form.Encode()))
		must(t, err)
		r.Header.Set("Content-Type", formType)
		r.Header.Set("Origin", w.URL)
		for _, c := range b.Jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		response, err := b.RoundTrip(r)
		must(t, err)
		must(t, response.Body.Close())
		kept := map[string]int{}
		for _, c := range response.Cookies() {
			kept[c.Name[strings.LastIndexByte(c.Name, '-')+1:]] = c.MaxAge
		}
		if got, ok := kept["session"]; !ok || got != want {
			t.Errorf("where sessions last %s the browser keeps them %d seconds, want %d (of %v)", lifetime, got, want, kept)
		}
	}
}

// waitIssuing renews what a replica needs after the clock moved.
func waitIssuing(t *testing.T, w *people) {
	t.Helper()
	w.Reload(t)
	waitConfirmed(t, w.Server)
}

func TestLogout(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, c := newAccount(t, on)
		signIn := func() (*authtest.Browser, string) {
			t.Helper()
			b := w.NewBrowser(t)
			return b, w.exchange(t, c, w.Code(t, b, c, "ada")).Member("id_token")
		}
		logout := func(form ...string) string { return w.URL + "/oauth/logout?" + values(form...).Encode() }
		signedIn := func(b *authtest.Browser) bool { return !b.Get(t, w.URL+"/account").AsksPassword() }

		b, hint := signIn()
		_, otherSession := signIn()
		id := c.Registration.ClientID
		for rule, address := range map[string]string{
			"not registered":        logout("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example/"),
			"A1 not byte-exact":     logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout+"/"),
			"no client":             logout("post_logout_redirect_uri", afterLogout),
			"another client's":      logout("client_id", "apps.app", "post_logout_redirect_uri", afterLogout),
			"client_id is another":  logout("id_token_hint", hint, "client_id", "apps.app"),
			"A13 hint, truncated":   logout("id_token_hint", hint[:len(hint)-1]),
			"A7 hint without a key": logout("id_token_hint", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0."+strings.Split(hint, ".")[1]+"."),
			"A13 twice":             logout("state", "a", "state", "b"),
		} {
			if a := b.Get(t, address); a.Status != 400 || a.Callback != nil {
				t.Errorf("%s: %d %s", rule, a.Status, a.URL)
			}
		}
		for rule, address := range map[string]string{
			"nothing":                    logout(),
			"client_id only":             logout("client_id", id, "post_logout_redirect_uri", afterLogout),
			"hint of another session":    logout("id_token_hint", otherSession),
			"an access token as a hint?": logout("client_id", id),
		} {
			if a := b.Get(t, address); a.Status != 200 || !strings.Contains(a.Body, "Sign out?") {
				t.Errorf("%s is not asked about: %d %s", rule, a.Status, a.Body)
			}
		}
		if !signedIn(b) {
			t.Fatal("signed out without being asked")
		}
		page := b.Get(t, logout("client_id", id, "post_logout_redirect_uri", afterLogout, "state", "a b&c"))
		_, fields := page.Form()
		fields.Set("state", "other")
		if a := w.postPage(t, b, "/oauth/logout", fields); a.Status != 403 {
			t.Errorf("A20: the form is good for what stood on it: %d", a.Status)
		}
		if a := b.Submit(t, page); a.URL != afterLogout+"?state=a+b%26c" || signedIn(b) {
			t.Errorf("confirmed: %d %s", a.Status, a.URL)
		}
		if a := b.Get(t, logout()); a.Status != 200 || !strings.Contains(a.Body, "You are signed out") {
			t.Errorf("nobody is signed in: %d", a.Status)
		}

		b, hint = signIn()
		if a := b.Get(t, logout("id_token_hint", hint, "post_logout_redirect_uri", afterLogout, "state", "s")); a.URL != afterLogout+"?state=s" || signedIn(b) {
			t.Errorf("with the hint: %d %s", a.Status, a.URL)
		}
		// By POST from the app's page, which brings no cookie of ours: round by a GET.
		b, hint = signIn()
		w.Clock.Advance(time.Hour) // an expired hint is one all the same
		waitIssuing(t, w)
		if a := w.postPage(t, b, "/oauth/logout", values("id_token_hint", hint), "Origin", "https://app.example"); a.Status != 200 || !strings.Contains(a.Body, "You are signed out") || signedIn(b) {
			t.Errorf("by POST: %d %s", a.Status, a.Body)
		}
		if got := w.Do(t, http.MethodGet, "/.well-known/openid-configuration", "").Member("end_session_endpoint"); got != w.Issuer+"/oauth/logout" {
			t.Errorf("end_session_endpoint %q", got)
		}
	})
}
