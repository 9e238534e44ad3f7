package authserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
)

func TestUserinfo(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	w.SetUsers(t, authtest.Person{Username: "ada", Groups: []string{"engineering", "board"}, Roles: []string{"admin"}})
	claims := func(scope string) string {
		token, _ := w.tokens(t, w.app, "scope", scope)
		a := w.userinfo(t, token)
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return fmt.Sprint(a.JSON())
	}
	for scope, want := range map[string]string{
		"openid":               "map[sub:user/ada]",
		"openid profile":       "map[groups:[engineering board] name:Name of ada preferred_username:ada roles:[admin] sub:user/ada]",
		"openid profile email": "map[groups:[engineering board] name:Name of ada preferred_username:ada roles:[admin] sub:user/ada]", // she has none
		"openid email":         "map[sub:user/ada]",
	} {
		if got := claims(scope); got != want {
			t.Errorf("%s: %s, want %s", scope, got, want)
		}
	}
	token, _ := w.tokens(t, w.app, "scope", "openid")
	plain, _ := w.tokens(t, w.app, "scope", "read", "resource", api)
	form := func(form, authorization string) authtest.Answer {
		header := []string{"Content-Type", formType}
		if authorization != "" {
			header = append(header, "Authorization", authorization)
		}
		return w.Do(t, http.MethodPost, "/userinfo", form, header...)
	}
	for rule, c := range map[string]struct {
		answer    authtest.Answer
		status    int
		challenge string
	}{
		"in a form (RFC 6750, Section 2.2)": {form("access_token="+token, ""), 200, ""},
		"POST with the header":              {form("", "Bearer "+token), 200, ""},
		"both":                              {form("access_token="+token, "Bearer "+token), 400, ""},
		"in the URL":                        {w.Do(t, "GET", "/userinfo?access_token="+token, ""), 401, `Bearer realm="clientele"`},
		"none (RFC 6750, Section 3.1)":      {w.Do(t, "GET", "/userinfo", ""), 401, `Bearer realm="clientele"`},
		"A13 truncated":                     {w.userinfo(t, token[:len(token)-2]), 401, `Bearer realm="clientele", error="invalid_token"`},
		"without scope openid":              {w.userinfo(t, plain), 403, `Bearer realm="clientele", error="insufficient_scope"`},
		"a machine's":                       {w.userinfo(t, w.MustToken(t, w.machine, "resource", api)), 403, `Bearer realm="clientele", error="insufficient_scope"`},
		"Basic":                             {w.Do(t, "GET", "/userinfo", "", "Authorization", "Basic YTpi"), 401, `Bearer realm="clientele"`},
	} {
		if got := c.answer.Header.Get("WWW-Authenticate"); c.answer.Status != c.status || got != c.challenge {
			t.Errorf("%s: %d %q %s, want %d %q", rule, c.answer.Status, got, c.answer.Body, c.status, c.challenge)
		}
	}
}

// People of providers have the groups and roles of their sign-in, by the claims that the
// settings name; whoever has none has no such claim. What is given is advertised.
func TestUserinfoOfPeopleOfProviders(t *testing.T) {
	w := startWork(t)
	w.provider.UserInfo, w.provider.Claims = true, signin.ClaimMapping{Roles: "groups", Groups: "roles"} // the wrong way round here, as it may be there
	w.configure(t, w.provider)
	sub := oauth.UpstreamSubject(w.idp.Issuer, "user/ada")
	for _, c := range []struct {
		there authtest.Person
		want  string
	}{
		{authtest.Person{Username: "ada", Groups: []string{"engineering"}, Roles: []string{"admin", "author"}},
			"map[groups:[admin author] name:Name of ada preferred_username:ada roles:[engineering] sub:" + sub + "]"},
		{authtest.Person{Username: "ada"}, "map[name:Name of ada preferred_username:ada sub:" + sub + "]"},
	} {
		w.idp.SetUsers(t, c.there)
		tokens := w.MustExchange(t, w.web, w.code(t, w.NewBrowser(t), w.web, "openid profile"))
		a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+tokens.Member("access_token"))
		if got := fmt.Sprint(a.JSON()); a.Status != http.StatusOK || got != c.want {
			t.Errorf("%d %s, want %s", a.Status, got, c.want)
		}
		for claim := range a.JSON() {
			if !slices.Contains(metadata(t, w.Server, "/.well-known/openid-configuration").ClaimsSupported, claim) {
				t.Errorf("claim %s is not advertised", claim)
			}
		}
	}
}
