package authserver_test

import (
	"fmt"
	"net/http"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

func TestUserinfo(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	claims := func(scope string) string {
		token, _ := w.tokens(t, w.app, "scope", scope, "resource", api)
		a := w.userinfo(t, token)
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		return fmt.Sprint(a.JSON())
	}
	for scope, want := range map[string]string{
		"openid":               "map[sub:user:ada]",
		"openid profile":       "map[name:Name of ada preferred_username:ada sub:user:ada]",
		"openid profile email": "map[name:Name of ada preferred_username:ada sub:user:ada]", // she has none
	} {
		if got := claims(scope); got != want {
			t.Errorf("%s: %s, want %s", scope, got, want)
		}
	}
	token, _ := w.tokens(t, w.app, "scope", "openid", "resource", api)
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
