package authserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// asRegistrar calls the part of the registrar API that is about people.
func asRegistrar[T any](t *testing.T, s *authtest.Server, method, path string) (got T) {
	t.Helper()
	a := s.SendText(t, method, "/registrar/v1/people"+path, authtest.RegistrarToken, "")
	if a.Status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// A11, A19: whoever is signed out by a registrar has nothing left, and nobody else
// loses anything. It can be repeated.
func TestA11A19ARegistrarSignsSomebodyOut(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		w.SetUsers(t, authtest.Person{Username: "ada"}, authtest.Person{Username: "eve"})
		eve := w.NewBrowser(t)
		eveAccess := w.exchange(t, w.app, w.Code(t, eve, w.app, "eve", "resource", api)).Member("access_token")
		h := w.hold(t)
		shown := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, "/user/ada")
		if len(shown.Sessions) != 1 || shown.TotalSessions != 1 || shown.Sessions[0].Username != "ada" || len(shown.Apps) != 1 || shown.Apps[0].ClientID != "apps.app" || shown.Apps[0].Resource != api || shown.Apps[0].RefreshUntil == 0 {
			t.Errorf("shown: %+v", shown)
		}
		ended := asRegistrar[oauth.SignedOut](t, w.Server, http.MethodDelete, "/user/ada")
		if ended != (oauth.SignedOut{Subject: "user/ada", Sessions: 1, Families: 1}) {
			t.Errorf("ended: %+v", ended)
		}
		if got := w.gives(t, h); got != "" {
			t.Errorf("%q still works", got)
		}
		if again := asRegistrar[oauth.SignedOut](t, w.Server, http.MethodDelete, "/user/ada"); again != (oauth.SignedOut{Subject: "user/ada"}) {
			t.Errorf("again: %+v", again)
		}
		if !w.active(t, w.rs, eveAccess) || eve.Get(t, w.URL+"/account").AsksPassword() {
			t.Error("somebody else was signed out")
		}
		left := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, "/user/ada")
		if len(left.Sessions) != 0 || len(left.Apps) != 1 || left.Apps[0].RefreshUntil != 0 {
			t.Errorf("left: %+v, want what she allowed", left)
		}
		if log := w.Log.String(); strings.Count(log, `"event":"user.access_ended","subject":"user/ada","cause":"registrar","sessions":1,"families":1,"caller":"operator","remote":"127.0.0.1"`) != 1 {
			t.Errorf("not in the audit log:\n%s", log)
		}
		b := w.NewBrowser(t) // nothing keeps her from coming back
		if page := b.SignIn(t, b.Get(t, w.AuthorizeURL(w.app, "resource", api)), "ada"); page.Callback.Get("code") == "" {
			t.Errorf("signing in anew: %d %s", page.Status, page.Body)
		}
	})
}

// An app that has no refresh token does not work without the person, and nobody is told
// that it does.
func TestOnlyRefreshTokensAreShownAsSuch(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	once := w.MustRegister(t, authtest.NewClient("once", authtest.WithCode("read", api), func(r *oauth.Registration) {
		r.GrantTypes = []oauth.GrantType{oauth.GrantAuthorizationCode}
	}))
	w.tokens(t, once)
	shown := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, "/user/ada")
	if len(shown.Apps) != 1 || shown.Apps[0].ClientID != once.Registration.ClientID || shown.Apps[0].RefreshUntil != 0 {
		t.Errorf("shown: %+v", shown.Apps)
	}
	if page := w.browser.Get(t, w.URL+"/account").Body; !strings.Contains(page, once.Registration.ClientID) || strings.Contains(page, "works without you") {
		t.Errorf("on the account page:\n%s", page)
	}
	if ended := asRegistrar[oauth.SignedOut](t, w.Server, http.MethodDelete, "/user/ada"); ended.Families != 1 {
		t.Errorf("ended: %+v, want the family of her access token too", ended)
	}
}

// People of providers are found by what the provider calls them, and by user name while
// they are signed in here; local users always.
func TestARegistrarFindsPeople(t *testing.T) {
	w := startWork(t)
	tokens := w.MustExchange(t, w.web, w.code(t, w.NewBrowser(t), w.web, "openid orders.read"))
	w.SetUsers(t, authtest.Person{Username: "ada"}, authtest.Person{Username: "Bob", Disabled: true})
	// The provider tells no name in the ID token, so that she has none here.
	w.provider.UserInfo = true
	w.configure(t, w.provider)
	w.MustExchange(t, w.web, w.code(t, w.NewBrowser(t), w.web, "openid"))
	there := oauth.UpstreamSubject(w.idp.Issuer, "user/ada")
	for query, want := range map[string][]string{
		"?username=ADA": {"user/ada", there},
		"?username=bob": {"user/Bob"},
		"?username=eve": {},
		"?issuer=" + url.QueryEscape(w.idp.Issuer) + "&subject=user/ada": {there},
	} {
		if got := asRegistrar[oauth.PeopleFound](t, w.Server, http.MethodGet, query); !slices.Equal(got.Subjects, want) {
			t.Errorf("%s: %v, want %v", query, got.Subjects, want)
		}
	}
	if shown := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, "/"+there); len(shown.Sessions) != 2 || shown.Sessions[0].Provider != "work" {
		t.Errorf("shown: %+v", shown)
	}
	asRegistrar[oauth.SignedOut](t, w.Server, http.MethodDelete, "/"+there)
	refused(t, "A11: signed out here", w.Refresh(t, w.web, tokens.Member("refresh_token")), "invalid_grant")
	w.wantActive(t, w.web, tokens.Member("access_token"), false)
}

// Providers call people what they like, and many the same.
func TestARegistrarFindsPeopleByWhatProvidersCallThem(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		signedIn := func(subject, username string) {
			t.Helper()
			must(t, w.Store.PutSession(t.Context(), store.Session{
				ID: subject, Hash: credential.Hash(subject), Subject: subject, Source: store.Source{Name: "work"}, Username: username, Expires: w.Clock.Now().Add(time.Hour),
			}))
		}
		find := func(username string) oauth.PeopleFound {
			t.Helper()
			return asRegistrar[oauth.PeopleFound](t, w.Server, http.MethodGet, "?username="+url.QueryEscape(username))
		}
		signedIn("user/oidc/1", "Grace Hopper")
		signedIn("user/oidc/2", "grace@example.com")
		signedIn("user/oidc/3", "Ægir Ýmir")
		for username, want := range map[string][]string{
			"grace hopper": {"user/oidc/1"}, "Grace@example.com": {"user/oidc/2"}, "ÆGIR ýmir": {"user/oidc/3"}, "Grace": {}, "%": {}, strings.Repeat("x", 256): {},
		} {
			if got := find(username); !slices.Equal(got.Subjects, want) || got.More {
				t.Errorf("%s: %+v, want %v", username, got, want)
			}
		}
		for i := range 101 {
			if i == 100 {
				if got := find("sam"); len(got.Subjects) != 100 || got.More {
					t.Errorf("of 100 people: %d, and more: %v", len(got.Subjects), got.More)
				}
			}
			signedIn(fmt.Sprint("user/oidc/sam", i), "Sam")
		}
		if got := find("sam"); len(got.Subjects) != 100 || !got.More {
			t.Errorf("of 101 people: %d, and more: %v", len(got.Subjects), got.More)
		}
	})
}

// Nobody is told "nobody" before it is known who the local users are.
func TestARegistrarIsToldThatTheUsersAreNotKnownYet(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	access, _ := w.tokens(t, w.app, "resource", api)
	w.Users.Forget()
	find := func(query string) authtest.Answer {
		return w.SendText(t, http.MethodGet, "/registrar/v1/people"+query, authtest.RegistrarToken, "")
	}
	for _, username := range []string{"ada", "eve"} { // ada is signed in
		a := find("?username=" + username)
		unavailable(t, username, a)
		if !strings.Contains(a.Body, "who the users are is not known yet; try again") {
			t.Errorf("%s: %s", username, a.Body)
		}
	}
	if a := find("?issuer=https://idp.example&subject=x"); a.Status != http.StatusOK {
		t.Errorf("somebody of a provider: %d %s", a.Status, a.Body)
	}
	asRegistrar[oauth.SignedOut](t, w.Server, http.MethodDelete, "/user/ada")
	w.SetUsers(t, authtest.Person{Username: "ada"})
	if got := asRegistrar[oauth.PeopleFound](t, w.Server, http.MethodGet, "?username=ada"); !slices.Equal(got.Subjects, []string{"user/ada"}) {
		t.Errorf("found %v", got.Subjects)
	}
	if w.active(t, w.rs, access) {
		t.Error("by `sub` ada was not signed out")
	}
}

func TestWhoAndWhatARegistrarMayAskAboutPeople(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	access, _ := w.tokens(t, w.app, "resource", api)
	for rule, c := range map[string]struct {
		method, path, token string
		status              int
	}{
		"A10 without a token":    {http.MethodDelete, "/user/ada", "", 401},
		"A10 a registrant":       {http.MethodDelete, "/user/ada", authtest.RegisterToken, 403},
		"A10 a registrant finds": {http.MethodGet, "?username=ada", authtest.RegisterToken, 403},
		"A10 a registrant shows": {http.MethodGet, "/user/ada", authtest.RegisterToken, 403},
		"A10 her own token":      {http.MethodDelete, "/user/ada", access, 401},
		"a client":               {http.MethodDelete, "/apps.app", authtest.RegistrarToken, 400},
		"nobody":                 {http.MethodDelete, "/", authtest.RegistrarToken, 404},
		"A16 a NUL":              {http.MethodGet, "/user/%00", authtest.RegistrarToken, 404},
		"A16 a NUL as a name":    {http.MethodGet, "?username=%00", authtest.RegistrarToken, 400},
		"no question":            {http.MethodGet, "", authtest.RegistrarToken, 400},
		"half a question":        {http.MethodGet, "?issuer=x", authtest.RegistrarToken, 400},
		"two questions":          {http.MethodGet, "?issuer=x&subject=y&username=z", authtest.RegistrarToken, 400},
		"POST":                   {http.MethodPost, "/user/ada", authtest.RegistrarToken, 405},
	} {
		if a := w.SendText(t, c.method, "/registrar/v1/people"+c.path, c.token, ""); a.Status != c.status {
			t.Errorf("%s: %d %s, want %d", rule, a.Status, a.Body, c.status)
		}
	}
	for query, says := range map[string]string{
		"":                                      "want username, or issuer and subject",
		"?subject=x":                            "want username, or issuer and subject",
		"?username=x&subject=y":                 "and not both",
		"?username=" + strings.Repeat("x", 257): "username has 257 bytes, and nobody's more than 256",
		"?username=" + url.QueryEscape("\u202ex"): "username has control characters",
	} {
		if a := w.SendText(t, http.MethodGet, "/registrar/v1/people"+query, authtest.RegistrarToken, ""); a.Status != 400 || !strings.Contains(a.Body, says) {
			t.Errorf("%s: %d %s, want %q", query, a.Status, a.Body, says)
		}
	}
	if !w.active(t, w.rs, access) {
		t.Error("somebody without the right signed ada out")
	}
}
