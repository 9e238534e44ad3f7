package authserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// forSales allows the group sales, and users with the role boss.
func forSales(r *oauth.Registration) {
	r.Managed.AllowedUsers = []oauth.AllowedUsers{{Groups: []string{"sales"}}, {Roles: []string{"boss"}}}
}

func sales(t *testing.T, c authtest.Config) (*world, authtest.Client) {
	t.Helper()
	w := users(t, c)
	w.salesIs(t, "ada")
	return w, w.MustRegister(t, authtest.NewClient("sales", authtest.WithCode("openid profile orders.read", orders), withPost, forSales))
}

// salesIs puts one person into the group sales, and gives eve the role boss.
func (w *world) salesIs(t *testing.T, member string) {
	t.Helper()
	var people []authtest.Person
	for _, name := range []string{"ada", "bob", "eve"} {
		p := authtest.Person{Username: name, Groups: []string{"staff"}}
		if name == member {
			p.Groups = append(p.Groups, "sales")
		}
		if name == "eve" {
			p.Roles = []string{"boss"}
		}
		people = append(people, p)
	}
	w.SetUsers(t, people...)
}

func barred(p authtest.Page) bool {
	return p.Status == http.StatusForbidden && strings.Contains(p.Body, "You may not use <bdi>")
}

// B14: a user who is not allowed sees a page that says so, as whom they are signed in, and
// whom to ask. The app gets access_denied when they go back to it.
func TestB14AUserWhoMayNotUseTheApp(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, app := sales(t, on)
		b := w.NewBrowser(t)
		page := b.SignIn(t, b.Get(t, w.AuthorizeURL(app)), "bob")
		if !barred(page) || page.AsksConsent() {
			t.Fatalf("%d %s\n%s", page.Status, page.URL, page.Body)
		}
		for _, text := range []string{"Name of bob", "use another account", "<bdi>apps</bdi>, the team that runs the app", "app.example"} {
			if !strings.Contains(page.Body, text) {
				t.Errorf("the page lacks %q\n%s", text, page.Body)
			}
		}
		if consents, err := w.Store.ConsentsOf(t.Context(), "user/bob"); err != nil || len(consents) > 0 {
			t.Errorf("stored for them: %v, %v", consents, err)
		}
		log := w.Log.String()
		if !strings.Contains(log, `"event":"user.not_allowed"`) || !strings.Contains(log, `"subject":"user/bob"`) ||
			!strings.Contains(log, "matches no entry of the client's users.allow") {
			t.Error("the log lacks the reason")
		}
		if strings.Contains(page.Body, "boss") || strings.Contains(log, "boss") || strings.Contains(page.Body, "staff") {
			t.Error("a group or role is told")
		}
		back := b.Submit(t, page)
		if back.Callback.Get("error") != "access_denied" || back.Callback.Get("state") != "the state" || back.Callback.Get("code") != "" ||
			back.Callback.Get("iss") != w.Issuer || !strings.HasPrefix(back.URL, authtest.Redirect) {
			t.Errorf("the way back: %d %s %v", back.Status, back.URL, back.Callback)
		}
		for _, who := range []string{"ada", "eve"} { // by group, by role
			if page := w.NewBrowserAt(t, app, who); !page.AsksConsent() {
				t.Errorf("%s: %d %s", who, page.Status, page.Body)
			}
		}
	})
}

// NewBrowserAt is where a person comes who signs in for a client.
func (w *world) NewBrowserAt(t *testing.T, c authtest.Client, username string) authtest.Page {
	t.Helper()
	b := w.NewBrowser(t)
	return b.SignIn(t, b.Get(t, w.AuthorizeURL(c)), username)
}

// B14: also where no consent is asked, and where the user is known already. Another
// account works.
func TestB14AnotherAccountMayUseTheApp(t *testing.T) {
	w, app := sales(t, authtest.Config{})
	own := w.MustRegister(t, authtest.NewClient("own", authtest.WithCode("openid orders.read", orders), withPost, forSales, trusted))
	b := w.NewBrowser(t)
	w.Code(t, b, w.web, "bob", "scope", "orders.read") // an app for everyone
	for _, c := range []authtest.Client{app, own} {
		page := b.Get(t, w.AuthorizeURL(c))
		if !barred(page) {
			t.Fatalf("%s: %d %s\n%s", c.Registration.ClientID, page.Status, page.URL, page.Body)
		}
	}
	page := b.Get(t, w.AuthorizeURL(own))
	page = another(t, b, page)
	if !page.AsksPassword() {
		t.Fatalf("another account: %d %s\n%s", page.Status, page.URL, page.Body)
	}
	if page = b.SignIn(t, page, "ada"); page.Callback.Get("code") == "" {
		t.Errorf("another account: %d %s\n%s", page.Status, page.URL, page.Body)
	}
}

// B14: with prompt=none the app gets access_denied at once (OpenID Connect Core 1.0,
// Section 3.1.2.6; RFC 6749, Section 4.1.2.1).
func TestB14PromptNone(t *testing.T) {
	w, app := sales(t, authtest.Config{})
	b := w.NewBrowser(t)
	w.Code(t, b, w.web, "bob", "scope", "orders.read")
	page := b.Get(t, w.AuthorizeURL(app, "prompt", "none"))
	if page.Callback.Get("error") != "access_denied" || page.Callback.Get("state") != "the state" {
		t.Errorf("%d %s %v", page.Status, page.URL, page.Callback)
	}
	if !strings.Contains(w.Log.String(), `"event":"user.not_allowed"`) {
		t.Error("it is not audited")
	}
	page = w.NewBrowser(t).Get(t, w.AuthorizeURL(app, "prompt", "none"))
	if page.Callback.Get("error") != "login_required" {
		t.Errorf("without a session: %v", page.Callback)
	}
}

// B14: a user who leaves the group loses what they had, at every step: at the consent page,
// with a code, at refresh, introspection and UserInfo. Back in the group they have it
// again.
func TestB14TheGroupIsGoneBetweenTwoSteps(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, app := sales(t, on)
		b := w.NewBrowser(t)
		tokens := w.MustExchange(t, app, w.Code(t, b, app, "ada"))
		access, refresh := tokens.Member("access_token"), tokens.Member("refresh_token")
		userinfo := func() int {
			return w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+access).Status
		}
		code := w.Code(t, b, app, "ada")
		form := b.Get(t, w.AuthorizeURL(app, "prompt", "consent"))
		if !form.AsksConsent() || userinfo() != http.StatusOK {
			t.Fatalf("in the group: %d %s", form.Status, form.Body)
		}
		w.wantActive(t, app, access, true)
		w.wantActive(t, app, refresh, true)

		w.salesIs(t, "bob")
		if page := b.Submit(t, form, "decision", "allow"); !barred(follow(t, b, page)) {
			t.Errorf("the consent form: %d %s %v", page.Status, page.URL, page.Callback)
		}
		w.wantActive(t, app, access, false)
		w.wantActive(t, app, refresh, false)
		if got := userinfo(); got != http.StatusUnauthorized {
			t.Errorf("UserInfo: %d", got)
		}
		refused(t, "refresh", w.Refresh(t, app, refresh), "invalid_grant")
		refused(t, "code", w.Exchange(t, app, code), "invalid_grant")

		w.salesIs(t, "ada")
		w.wantActive(t, app, access, true)
		if a := w.Refresh(t, app, refresh); a.Status != http.StatusOK {
			t.Errorf("back in the group: %d %s", a.Status, a.Body)
		}
	})
}

// follow goes where a page of ours leads.
func follow(t *testing.T, b *authtest.Browser, p authtest.Page) authtest.Page {
	t.Helper()
	if p.Status == http.StatusSeeOther && p.Callback == nil {
		return b.Get(t, p.URL)
	}
	return p
}

// B14: the registration changes: who may use the app is decided by what it says now. A
// token that the client has for itself stays active.
func TestB14TheRegistrationChanges(t *testing.T) {
	w, _ := sales(t, authtest.Config{})
	app := w.MustRegister(t, authtest.NewClient("both", authtest.WithCode("openid orders.read", orders), withPost, func(r *oauth.Registration) {
		r.GrantTypes = append(r.GrantTypes, oauth.GrantClientCredentials)
	}))
	b := w.NewBrowser(t)
	tokens := w.MustExchange(t, app, w.Code(t, b, app, "bob"))
	own := w.MustToken(t, app, "scope", "orders.read")
	w.change(t, app, forSales)
	w.wantActive(t, app, tokens.Member("access_token"), false)
	refused(t, "bob", w.Refresh(t, app, tokens.Member("refresh_token")), "invalid_grant")
	w.wantActive(t, app, own, true)
	if page := b.Get(t, w.AuthorizeURL(app)); !barred(page) {
		t.Errorf("bob: %d %s", page.Status, page.URL)
	}
}

// B14: the way back is a form of this page in this browser, and says what is so now.
func TestB14TheWayBack(t *testing.T) {
	w, app := sales(t, authtest.Config{})
	b := w.NewBrowser(t)
	page := b.SignIn(t, b.Get(t, w.AuthorizeURL(app, "response_mode", "form_post")), "bob")
	if !barred(page) {
		t.Fatalf("%d %s", page.Status, page.URL)
	}
	if forged := b.Submit(t, page, "csrf", "x"); forged.Status != http.StatusForbidden || strings.Contains(forged.Body, "access_denied") {
		t.Errorf("another form: %d %s", forged.Status, forged.Body)
	}
	if posted := b.Submit(t, page); !strings.Contains(posted.Body, `value="access_denied"`) || !strings.Contains(posted.Body, `action="`+authtest.Redirect+`"`) {
		t.Errorf("form_post: %d %s", posted.Status, posted.Body)
	}
	w.salesIs(t, "bob")
	if now := follow(t, b, b.Submit(t, page)); !now.AsksConsent() {
		t.Errorf("allowed meanwhile: %d %s\n%s", now.Status, now.URL, now.Body)
	}
}

// B14: of users of providers the groups of the sign-in count, for as long as the grant
// lives.
func TestB14GroupsOfAProvider(t *testing.T) {
	w := startWork(t)
	w.provider.UserInfo = true
	w.configure(t, w.provider)
	app := w.MustRegister(t, authtest.NewClient("sales", authtest.WithCode("openid orders.read", orders), withPost, forSales))
	w.idp.SetUsers(t, authtest.Person{Username: "ada", Groups: []string{"sales"}})
	tokens := w.MustExchange(t, app, w.code(t, w.NewBrowser(t), app, "openid orders.read"))
	w.idp.SetUsers(t, authtest.Person{Username: "ada", Groups: []string{"staff"}})
	w.wantActive(t, app, tokens.Member("access_token"), true)
	a := w.Refresh(t, app, tokens.Member("refresh_token"))
	if a.Status != http.StatusOK {
		t.Errorf("refresh: %d %s", a.Status, a.Body)
	}
	if page := w.arrive(t, w.NewBrowser(t), app, "openid orders.read"); !barred(page) {
		t.Errorf("the next sign-in: %d %s\n%s", page.Status, page.URL, page.Body)
	}
}

// B14: a list without entries, or an entry without names, is refused: it could be read as
// everyone.
func TestB14AnEmptyListIsRefused(t *testing.T) {
	w := users(t, authtest.Config{})
	c := authtest.NewClient("empty", authtest.WithCode("orders.read", orders), withPost, forSales)
	body, err := json.Marshal(c.Registration)
	if err != nil {
		t.Fatal(err)
	}
	const full = `"allowed_users":[{"groups":["sales"]},{"roles":["boss"]}]`
	for _, empty := range []string{`"allowed_users":[]`, `"allowed_users":[{}]`, `"allowed_users":[{"groups":[]}]`} {
		text := strings.Replace(string(body), full, empty, 1)
		if text == string(body) {
			t.Fatalf("%s lacks %s", body, full)
		}
		a := w.SendText(t, http.MethodPost, "/oauth/register", authtest.RegistrarToken, text)
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Member("error_description"), "allowed_users") {
			t.Errorf("%s: %d %s", empty, a.Status, a.Body)
		}
	}
}
