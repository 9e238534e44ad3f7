package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

const (
	api      = "https://api.example.com"
	formType = "application/x-www-form-urlencoded"
)

// people is a server with a person, apps that act for her, and a resource server.
type people struct {
	*authtest.Server
	browser *authtest.Browser
	// app and other are confidential, public has no secret, rs may introspect
	// tokens for api, machine has one of its own.
	app, other, public, rs, machine authtest.Client
}

func newPeople(t *testing.T, on authtest.Config) *people {
	t.Helper()
	return peopleAt(t, authtest.Start(t, open(on, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })))
}

func peopleAt(t *testing.T, s *authtest.Server) *people {
	t.Helper()
	w := &people{Server: s, browser: s.NewBrowser(t)}
	s.SetUsers(t, authtest.Person{Username: "ada"})
	p := authtest.Policy("api", api, "read", "write", "posts.read", "posts.compose")
	p.ResourceServers = []policy.ResourceServer{{Namespace: "apps", Name: "rs"}}
	p.Allow = append(p.Allow, policy.Rule{SelfRegistered: true, Scopes: []string{"posts.read", "posts.compose"}})
	s.MustPutPolicy(t, p)
	s.MustPutPolicy(t, authtest.Policy("another", "https://another.example.com", "read"))
	withCode := authtest.WithCode("openid profile email read write", api, "https://another.example.com")
	w.app = s.MustRegister(t, authtest.NewClient("app", withCode))
	w.other = s.MustRegister(t, authtest.NewClient("other", withCode))
	w.public = s.MustRegister(t, authtest.NewClient("public", withCode, authtest.Public))
	scoped := func(r *oauth.Registration) {
		r.Scope, r.Managed.Resources = "read", []string{api, "https://another.example.com"}
	}
	w.rs = s.MustRegister(t, authtest.NewClient("rs", scoped))
	w.machine = s.MustRegister(t, authtest.NewClient("machine", scoped))
	return w
}

// tokens for ada.
func (w *people) tokens(t *testing.T, c authtest.Client, change ...string) (access, refresh string) {
	t.Helper()
	a := w.exchange(t, c, w.Code(t, w.browser, c, "ada", change...))
	return a.Member("access_token"), a.Member("refresh_token")
}

func (w *people) exchange(t *testing.T, c authtest.Client, code string) authtest.Answer {
	t.Helper()
	a := w.postAs(t, c, "/oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", authtest.Redirect, "code_verifier", authtest.Verifier)
	if a.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", a.Status, a.Body)
	}
	return a
}

// post sends a form without any credentials.
func (w *people) post(t *testing.T, path string, form ...string) authtest.Answer {
	t.Helper()
	return w.Do(t, http.MethodPost, path, values(form...).Encode(), "Content-Type", formType)
}

// postAs sends a form as a client, with its secret or, if it has none, its id.
func (w *people) postAs(t *testing.T, c authtest.Client, path string, form ...string) authtest.Answer {
	t.Helper()
	v := values(form...)
	header := []string{"Content-Type", formType}
	if c.Registration.TokenEndpointAuthMethod == oauth.AuthNone {
		v.Set("client_id", c.Registration.ClientID)
	} else {
		r, _ := http.NewRequest(http.MethodPost, w.URL, nil)
		r.SetBasicAuth(c.Registration.ClientID, c.Secret.Reveal())
		header = append(header, "Authorization", r.Header.Get("Authorization"))
	}
	return w.Do(t, http.MethodPost, path, v.Encode(), header...)
}

func values(form ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	return v
}

func (w *people) introspect(t *testing.T, c authtest.Client, token string) authtest.Answer {
	t.Helper()
	a := w.postAs(t, c, "/oauth/introspect", "token", token)
	if a.Status != http.StatusOK {
		t.Fatalf("introspect: %d %s", a.Status, a.Body)
	}
	return a
}

func (w *people) active(t *testing.T, c authtest.Client, token string) bool {
	t.Helper()
	a := w.introspect(t, c, token)
	active, _ := a.JSON()["active"].(bool)
	if !active && strings.TrimSpace(a.Body) != `{"active":false}` {
		t.Errorf("an inactive token tells more: %s", a.Body)
	}
	return active
}

// refreshes says whether a refresh token works; it is used up by that.
func (w *people) refreshes(t *testing.T, c authtest.Client, token string) bool {
	t.Helper()
	return w.postAs(t, c, "/oauth/token", "grant_type", "refresh_token", "refresh_token", token).Status == http.StatusOK
}

func (w *people) userinfo(t *testing.T, token string) authtest.Answer {
	t.Helper()
	return w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+token)
}

func TestRevokingARefreshTokenEndsItsFamilyAndAccessTokens(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		for rule, c := range map[string]struct {
			client authtest.Client
			revoke func(access, refresh string) authtest.Answer
		}{
			"refresh token, with the client's secret": {w.app, func(_, r string) authtest.Answer { return w.postAs(t, w.app, "/oauth/revoke", "token", r) }},
			"seed 2: secret in the form": {func() authtest.Client {
				return w.MustRegister(t, authtest.NewClient("post", authtest.WithCode("openid read", api), func(r *oauth.Registration) { r.TokenEndpointAuthMethod = oauth.AuthClientSecretPost }))
			}(), nil},
			"an access token, with a wrong hint": {w.app, func(a, _ string) authtest.Answer {
				return w.postAs(t, w.app, "/oauth/revoke", "token", a, "token_type_hint", "refresh_token")
			}},
			"public client, with client_id":          {w.public, func(_, r string) authtest.Answer { return w.postAs(t, w.public, "/oauth/revoke", "token", r) }},
			"public client, seed 1: the token alone": {w.public, func(_, r string) authtest.Answer { return w.post(t, "/oauth/revoke", "token", r) }},
		} {
			t.Run(rule, func(t *testing.T) {
				code := w.Code(t, w.browser, c.client, "ada", "resource", api)
				form := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", authtest.Redirect, "code_verifier", authtest.Verifier}
				if c.revoke == nil {
					form = append(form, "client_id", c.client.Registration.ClientID, "client_secret", c.client.Secret.Reveal())
				}
				got := w.post(t, "/oauth/token", form...)
				if c.revoke != nil {
					got = w.postAs(t, c.client, "/oauth/token", form...)
				}
				access, refresh := got.Member("access_token"), got.Member("refresh_token")
				if !w.active(t, w.rs, access) || w.userinfo(t, access).Status != 200 {
					t.Fatal("not active before")
				}
				a := authtest.Answer{}
				if c.revoke == nil {
					a = w.post(t, "/oauth/revoke", "token", refresh, "client_id", c.client.Registration.ClientID, "client_secret", c.client.Secret.Reveal())
				} else {
					a = c.revoke(access, refresh)
				}
				if a.Status != http.StatusOK || a.Body != "" {
					t.Fatalf("revoke: %d %q", a.Status, a.Body)
				}
				if w.active(t, w.rs, access) || w.userinfo(t, access).Status != 401 || w.refreshes(t, c.client, refresh) {
					t.Error("A19: it is still good for something")
				}
			})
		}
		if strings.Count(w.Log.String(), "token.revoked") != 5 {
			t.Error("the revocations are not in the audit log")
		}
	})
}

func TestRevocationAnswers(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		access, refresh := w.tokens(t, w.app, "resource", api)
		publicAccess, publicRefresh := w.tokens(t, w.public, "resource", api)
		parts := strings.Split(access, ".")
		for rule, c := range map[string]struct {
			client *authtest.Client
			token  string
		}{
			"unknown":                            {nil, "nothing"},
			"unknown, authenticated":             {&w.app, "nothing"},
			"A13 truncated":                      {&w.app, refresh[:len(refresh)-1]},
			"A13 padded":                         {&w.app, refresh + "="},
			"A13 with a space":                   {&w.app, " " + refresh},
			"A13 access token, re-encoded":       {&w.app, access + "="},
			"A13 another's signature":            {&w.app, parts[0] + "." + parts[1] + "." + strings.Split(publicAccess, ".")[2]},
			"A7 none":                            {&w.app, "eyJhbGciOiJub25lIn0." + parts[1] + "."},
			"A3 another client's":                {&w.other, refresh},
			"A3 another client's access token":   {&w.other, access},
			"A3 another public client's":         {&w.public, refresh},
			"A3 a public client's, by another":   {&w.other, publicRefresh},
			"a confidential client's, by nobody": {nil, refresh},
			"its access token, by nobody":        {nil, access},
			"a SHA-256 of it":                    {&w.app, credential.Hash(refresh)},
			"A15 long":                           {&w.app, strings.Repeat("a", 60<<10)},
		} {
			form := []string{"token", c.token}
			a := authtest.Answer{}
			if c.client == nil {
				a = w.post(t, "/oauth/revoke", form...)
			} else {
				a = w.postAs(t, *c.client, "/oauth/revoke", form...)
			}
			if a.Status != http.StatusOK || a.Body != "" {
				t.Errorf("%s: %d %s", rule, a.Status, a.Body)
			}
		}
		if !w.active(t, w.rs, access) || !w.active(t, w.rs, publicAccess) || !w.refreshes(t, w.app, refresh) || !w.refreshes(t, w.public, publicRefresh) {
			t.Error("one of them did something")
		}
		for rule, c := range map[string]struct {
			answer authtest.Answer
			status int
			code   string
		}{
			"no token":                         {w.postAs(t, w.app, "/oauth/revoke"), 400, "invalid_request"},
			"A13 token twice":                  {w.postAs(t, w.app, "/oauth/revoke", "token", "a", "token", "b"), 400, "invalid_request"},
			"in the URL":                       {w.Do(t, "POST", "/oauth/revoke?token=a", "", "Content-Type", formType), 400, "invalid_request"},
			"JSON":                             {w.Do(t, "POST", "/oauth/revoke", `{}`, "Content-Type", "application/json"), 400, "invalid_request"},
			"wrong secret":                     {w.post(t, "/oauth/revoke", "token", refresh, "client_id", "apps.app", "client_secret", "x"), 401, "invalid_client"},
			"confidential, without its secret": {w.post(t, "/oauth/revoke", "token", refresh, "client_id", "apps.app"), 401, "invalid_client"},
			"unknown client":                   {w.post(t, "/oauth/revoke", "token", refresh, "client_id", "apps.nobody"), 401, "invalid_client"},
			"A15 huge body":                    {w.post(t, "/oauth/revoke", "token", strings.Repeat("a", 70<<10)), 413, "invalid_request"},
			"GET":                              {w.Do(t, "GET", "/oauth/revoke", ""), 405, ""},
		} {
			if c.answer.Status != c.status || c.answer.Error() != c.code {
				t.Errorf("%s: %d %s, want %d %s", rule, c.answer.Status, c.answer.Body, c.status, c.code)
			}
		}
	})
}

func TestRevokingAMachineToken(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		first, second := w.MustToken(t, w.machine, "resource", api), w.MustToken(t, w.machine, "resource", api)
		if a := w.postAs(t, w.machine, "/oauth/revoke", "token", first); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if w.active(t, w.rs, first) || !w.active(t, w.rs, second) {
			t.Error("one token of a machine ends alone")
		}
	})
}

func TestA6Introspection(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		access, refresh := w.tokens(t, w.app, "resource", api)
		elsewhere, _ := w.tokens(t, w.app, "resource", "https://another.example.com")
		own := w.MustToken(t, w.machine, "resource", api)
		for rule, c := range map[string]struct {
			client authtest.Client
			token  string
			active bool
		}{
			"its own client": {w.app, access, true},
			"the resource server that its policy names":  {w.rs, access, true},
			"a machine's, by the resource server":        {w.rs, own, true},
			"a machine's, by itself":                     {w.machine, own, true},
			"A6 another client":                          {w.other, access, false},
			"A6 another client of the same resource":     {w.machine, access, false},
			"A6 another resource than it is named for":   {w.rs, elsewhere, false},
			"a refresh token, by its client":             {w.app, refresh, true},
			"A6 a refresh token, by the resource server": {w.rs, refresh, false},
			"A6 a refresh token, by another client":      {w.other, refresh, false},
			"A13 truncated":                              {w.app, access[:len(access)-1], false},
			"A13 padded":                                 {w.app, access + "=", false},
			"A13 refresh token, truncated":               {w.app, refresh[:len(refresh)-1], false},
			"unknown":                                    {w.app, "nothing", false},
			"an ID token is none":                        {w.app, w.exchange(t, w.app, w.Code(t, w.browser, w.app, "ada")).Member("id_token"), false},
		} {
			if got := w.active(t, c.client, c.token); got != c.active {
				t.Errorf("%s: active %v", rule, got)
			}
		}
		a := w.introspect(t, w.rs, access)
		for name, want := range map[string]string{
			"sub": "user/ada", "client_id": "apps.app", "aud": api, "iss": w.Issuer, "token_type": "Bearer",
		} {
			if a.Member(name) != want {
				t.Errorf("%s = %q, want %q", name, a.Member(name), want)
			}
		}
		if a.Header.Get("Cache-Control") != "no-store" || !strings.Contains(a.Member("scope"), "read") || a.JSON()["exp"].(float64)-a.JSON()["iat"].(float64) != 900 {
			t.Errorf("%v %s", a.Header, a.Body)
		}
		for rule, c := range map[string]struct {
			answer authtest.Answer
			status int
		}{
			"nobody":               {w.post(t, "/oauth/introspect", "token", access), 401},
			"wrong secret":         {w.post(t, "/oauth/introspect", "token", access, "client_id", "apps.app", "client_secret", "x"), 401},
			"a public client":      {w.postAs(t, w.public, "/oauth/introspect", "token", access), 401},
			"no token":             {w.postAs(t, w.app, "/oauth/introspect"), 400},
			"A13 duplicate":        {w.postAs(t, w.app, "/oauth/introspect", "token", "a", "token", "a"), 400},
			"bearer as credential": {w.Do(t, "POST", "/oauth/introspect", "token="+access, "Content-Type", formType, "Authorization", "Bearer "+access), 401},
		} {
			if c.answer.Status != c.status {
				t.Errorf("%s: %d %s, want %d", rule, c.answer.Status, c.answer.Body, c.status)
			}
		}
	})
}

func TestA19WhatEndsATokenEverywhere(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		for rule, end := range map[string]func(*people){
			"the user is disabled": func(w *people) { w.SetUsers(t, authtest.Person{Username: "ada", Disabled: true}) },
			"the user is removed":  func(w *people) { w.SetUsers(t) },
			"A4 A11 the password is reset": func(w *people) {
				w.SetUsers(t, authtest.Person{Username: "ada", Password: "another"})
				if p := w.browser.Get(t, w.URL+"/account"); !p.AsksPassword() {
					t.Errorf("the session lives on: %d %s", p.Status, p.URL)
				}
			},
			"the client is disabled": func(w *people) {
				c := w.app.Registration
				m := *c.Managed
				m.Disabled, m.Generation = true, 2
				c.Managed = &m
				w.MustRegister(t, authtest.Client{Registration: c})
			},
			"another incarnation of the client": func(w *people) {
				w.Clock.Advance(2 * time.Second)
				c := w.app.Registration
				m := *c.Managed
				m.Owner.UID, m.Counter = "uid-new", 2
				c.Managed = &m
				w.MustRegister(t, authtest.Client{Registration: c})
			},
			"time": func(w *people) {
				w.Clock.Advance(15 * time.Minute)
				w.Reload(t)
				waitConfirmed(t, w.Server)
			},
		} {
			t.Run(rule, func(t *testing.T) {
				w := newPeople(t, on)
				access, _ := w.tokens(t, w.app, "resource", api)
				if !w.active(t, w.rs, access) || w.userinfo(t, access).Status != 200 {
					t.Fatal("not active before")
				}
				end(w)
				if a := w.userinfo(t, access); w.active(t, w.rs, access) || a.Status != 401 {
					t.Errorf("still active, or userinfo %d %s", a.Status, a.Body)
				}
			})
		}
	})
}
