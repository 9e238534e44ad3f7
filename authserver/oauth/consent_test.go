package oauth

import "testing"

func TestS1Place(t *testing.T) {
	for uri, want := range map[string]string{
		"https://app.example/cb":           "https://app.example",
		"https://app.example:443/other?x=": "https://app.example",
		"https://app.example:8443/cb":      "https://app.example:8443",
		"https://[2001:db8::1]/cb":         "https://[2001:db8::1]",
		"http://127.0.0.1:7/cb":            PlaceThisComputer,
		"http://[::1]/cb":                  PlaceThisComputer,
		"http://localhost/cb":              PlaceThisComputer,
		"https://localhost:8443/cb":        PlaceThisComputer,
		"https://a.localhost/cb":           PlaceThisComputer,
		"https://127.1.2.3/cb":             PlaceThisComputer,
		"https://0.0.0.0/cb":               PlaceThisComputer,
		"https://localhost.example/cb":     "https://localhost.example",
		"com.example.app:/cb":              "com.example.app:",
		"com.example.app://localhost/cb":   "com.example.app:",
		"cursor://anything/cb":             "cursor:",
	} {
		r, err := ParseRedirectURI(uri, AnyPrivateUse)
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		if got := r.Place(); got != want {
			t.Errorf("%s is at %q, want %q", uri, got, want)
		}
		if got := (Registration{}).ConsentPlace(r); got != want {
			t.Errorf("%s of a client that registered itself: %q", uri, got)
		}
		if got := (Registration{Managed: &Managed{}}).ConsentPlace(r); got != "" {
			t.Errorf("%s of a declared client: %q", uri, got)
		}
	}
}

func TestS9ConsentPromise(t *testing.T) {
	app := func(change ...func(*Registration)) Registration {
		r := Registration{ClientID: "id", ClientName: "App", RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb"}, GrantTypes: []GrantType{GrantAuthorizationCode}}
		for _, f := range change {
			f(&r)
		}
		return r
	}
	for rule, c := range map[string]struct {
		change         func(*Registration)
		self, declared bool // it is another promise
	}{
		"nothing":                 {func(*Registration) {}, false, false},
		"the order of addresses":  {func(r *Registration) { r.RedirectURIs = []string{"https://b.example/cb", "https://a.example/cb"} }, false, false},
		"scopes, asked by itself": {func(r *Registration) { r.Scope = "read" }, false, false},
		"contacts":                {func(r *Registration) { r.Contacts = []string{"ops@a.example"} }, false, false},
		"name":                    {func(r *Registration) { r.ClientName = "Other" }, true, false},
		"description":             {func(r *Registration) { r.Description = "x" }, true, false},
		"home page":               {func(r *Registration) { r.ClientURI = "https://a.example" }, true, false},
		"logo":                    {func(r *Registration) { r.LogoURI = "https://a.example/l.png" }, true, false},
		"privacy policy":          {func(r *Registration) { r.PolicyURI = "https://a.example" }, true, false},
		"terms":                   {func(r *Registration) { r.TOSURI = "https://a.example" }, true, false},
		"one address more":        {func(r *Registration) { r.RedirectURIs = append(r.RedirectURIs, "https://c.example/cb") }, true, false},
		"one address less":        {func(r *Registration) { r.RedirectURIs = r.RedirectURIs[:1] }, true, false},
		"refresh tokens":          {func(r *Registration) { r.GrantTypes = append(r.GrantTypes, GrantRefreshToken) }, true, true},
	} {
		if got := app(c.change).ConsentPromise() != app().ConsentPromise(); got != c.self {
			t.Errorf("%s of a client that registered itself: another promise %v, want %v", rule, got, c.self)
		}
		declared := func(r *Registration) { r.Managed = &Managed{} }
		if got := app(declared, c.change).ConsentPromise() != app(declared).ConsentPromise(); got != c.declared {
			t.Errorf("%s of a declared client: another promise %v, want %v", rule, got, c.declared)
		}
	}
}
