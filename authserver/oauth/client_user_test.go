package oauth

import (
	"slices"
	"strings"
	"testing"
)

// web is a valid confidential client that acts for users, with every field
// filled.
func web() Registration {
	r := full()
	age := int64(3600)
	r.GrantTypes = []GrantType{GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials}
	r.RedirectURIs = []string{"https://app.example/cb", "https://app.example/cb2"}
	r.ResponseTypes = []ResponseType{ResponseCode}
	r.ApplicationType = ApplicationWeb
	r.PostLogoutRedirectURIs = []string{"https://app.example/bye"}
	r.ClientURI, r.LogoURI = "https://app.example/#about", "https://app.example/logo.png"
	r.PolicyURI, r.TOSURI = "https://app.example/privacy", "https://app.example/terms"
	r.Contacts = []string{"ops@app.example", "+1 555 0100"}
	r.DefaultMaxAge = &age
	r.Description = "Plans your posts."
	r.Managed.RefreshTokenLifetime, r.Managed.RefreshTokenIdleLifetime = 86400, 3600
	r.Managed.Trusted, r.Managed.PKCEOptional = true, true
	r.Managed.OwnerDisplay = "Team A"
	return r
}

// spa is a valid public client.
func spa() Registration {
	r := web()
	r.TokenEndpointAuthMethod = AuthNone
	r.GrantTypes = []GrantType{GrantAuthorizationCode, GrantRefreshToken}
	r.Managed.SecretHashes, r.Managed.PKCEOptional = nil, false
	return r
}

func TestValidateAcceptsUserClients(t *testing.T) {
	for name, change := range map[string]func(*Registration){
		"everything filled":           func(*Registration) {},
		"code only":                   func(r *Registration) { r.GrantTypes = []GrantType{GrantAuthorizationCode} },
		"grant types left out: code":  func(r *Registration) { r.GrantTypes = nil },
		"response types left out":     func(r *Registration) { r.ResponseTypes = nil },
		"no display data":             func(r *Registration) { r.ClientURI, r.LogoURI, r.Contacts, r.Description = "", "", nil, "" },
		"loopback beside https":       func(r *Registration) { r.RedirectURIs = append(r.RedirectURIs, "http://127.0.0.1/cb") },
		"private-use scheme":          func(r *Registration) { r.RedirectURIs = []string{"com.example.app:/cb"} },
		"most redirect URIs":          func(r *Registration) { r.RedirectURIs = slices.Repeat(r.RedirectURIs, MaxRedirectURIs/2) },
		"homepage by http":            func(r *Registration) { r.ClientURI = "http://app.example" },
		"now, always":                 func(r *Registration) { *r.DefaultMaxAge = 0 },
		"longest refresh lifetime":    func(r *Registration) { r.Managed.RefreshTokenLifetime = MaxRefreshLifetime },
		"the server's lifetimes":      func(r *Registration) { r.Managed.RefreshTokenLifetime, r.Managed.RefreshTokenIdleLifetime = 0, 0 },
		"description in any script":   func(r *Registration) { r.Description = "سامانه ها 注文" },
		"native, on whatever it says": func(r *Registration) { r.ApplicationType = ApplicationNative },
	} {
		for kind, r := range map[string]Registration{"confidential": web(), "public": spa()} {
			change(&r)
			if err := r.Validate(); err != nil {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
		}
	}
}

func TestValidateRefusesUserClients(t *testing.T) {
	const meta, redirect = CodeInvalidClientMetadata, CodeInvalidRedirectURI
	for name, c := range map[string]struct {
		change func(*Registration)
		code   Code
		names  string // what the message must name
	}{
		"A1 redirect URI invalid":     {func(r *Registration) { r.RedirectURIs[1] = "JavaScript:alert(1)" }, redirect, "redirect_uris[1]"},
		"A1 http redirect":            {func(r *Registration) { r.RedirectURIs[0] = "http://app.example/cb" }, redirect, "redirect_uris[0]"},
		"code without redirect URI":   {func(r *Registration) { r.RedirectURIs = nil }, redirect, "redirect_uris"},
		"nothing and no redirect URI": {func(r *Registration) { r.RedirectURIs, r.GrantTypes = nil, nil }, redirect, "authorization_code"},
		"A15 too many redirect URIs":  {func(r *Registration) { r.RedirectURIs = slices.Repeat(r.RedirectURIs, 17) }, redirect, "redirect_uris"},
		"refresh without code":        {func(r *Registration) { r.GrantTypes = []GrantType{GrantRefreshToken} }, meta, "grant_types"},
		"refresh beside machine's":    {func(r *Registration) { r.GrantTypes = []GrantType{GrantRefreshToken, GrantClientCredentials} }, meta, "grant_types"},
		"implicit":                    {func(r *Registration) { r.GrantTypes = append(r.GrantTypes, "implicit") }, meta, "implicit"},
		"response type token":         {func(r *Registration) { r.ResponseTypes = []ResponseType{ResponseCode, "token"} }, meta, "response_types"},
		"response type hybrid":        {func(r *Registration) { r.ResponseTypes = []ResponseType{"code id_token"} }, meta, "response_types"},
		"application type unknown":    {func(r *Registration) { r.ApplicationType = "browser" }, meta, "application_type"},
		"after logout, http":          {func(r *Registration) { r.PostLogoutRedirectURIs[0] = "http://app.example" }, meta, "post_logout_redirect_uris[0]"},
		"A15 after logout, too many":  {func(r *Registration) { r.PostLogoutRedirectURIs = slices.Repeat(r.RedirectURIs, 17) }, meta, "post_logout"},
		"A9 homepage is a script":     {func(r *Registration) { r.ClientURI = "javascript:alert(1)" }, meta, "client_uri"},
		"A9 homepage breaks out":      {func(r *Registration) { r.ClientURI = `https://a/"onclick="x` }, meta, "client_uri"},
		"A9 homepage with user name":  {func(r *Registration) { r.ClientURI = "https://bank.example@evil.example/" }, meta, "client_uri"},
		"A9 logo is data":             {func(r *Registration) { r.LogoURI = "data:image/svg+xml,x" }, meta, "logo_uri"},
		"policy is relative":          {func(r *Registration) { r.PolicyURI = "/privacy" }, meta, "policy_uri"},
		"terms not ASCII":             {func(r *Registration) { r.TOSURI = "https://bücher.example" }, meta, "tos_uri"},
		"A15 homepage too long":       {func(r *Registration) { r.ClientURI = "https://a/" + strings.Repeat("a", MaxPageLength) }, meta, "client_uri"},
		"A15 too many contacts":       {func(r *Registration) { r.Contacts = slices.Repeat(r.Contacts, 6) }, meta, "contacts"},
		"contact on two lines":        {func(r *Registration) { r.Contacts[1] = "a\nb" }, meta, "contacts"},
		"A15 contact too long":        {func(r *Registration) { r.Contacts[1] = strings.Repeat("a", 255) }, meta, "contacts"},
		"A9 description turns around": {func(r *Registration) { r.Description = "a\u202eb" }, meta, "clientele_description"},
		"A15 description too long":    {func(r *Registration) { r.Description = strings.Repeat("a", 513) }, meta, "clientele_description"},
		"default max age negative":    {func(r *Registration) { *r.DefaultMaxAge = -1 }, meta, "default_max_age"},
		"default max age too long":    {func(r *Registration) { *r.DefaultMaxAge = maxMaxAge + 1 }, meta, "default_max_age"},
		"refresh lifetime too short":  {func(r *Registration) { r.Managed.RefreshTokenLifetime = 59 }, meta, "refresh_token_lifetime"},
		"refresh lifetime too long":   {func(r *Registration) { r.Managed.RefreshTokenLifetime = MaxRefreshLifetime + 1 }, meta, "refresh_token_lifetime"},
		"idle lifetime negative":      {func(r *Registration) { r.Managed.RefreshTokenIdleLifetime = -1 }, meta, "refresh_token_idle_lifetime"},
		"A9 owner on two lines":       {func(r *Registration) { r.Managed.OwnerDisplay = "a\nb" }, meta, "owner_display"},
		"A15 owner too long":          {func(r *Registration) { r.Managed.OwnerDisplay = strings.Repeat("a", 201) }, meta, "owner_display"},
		"unknown method":              {func(r *Registration) { r.TokenEndpointAuthMethod = "private_key_jwt" }, meta, "token_endpoint_auth_method"},
		"A15 too many grant types":    {func(r *Registration) { r.GrantTypes = slices.Repeat(r.GrantTypes, 9) }, meta, "grant_types"},
		"the secret's owner goes public": {func(r *Registration) {
			r.TokenEndpointAuthMethod = AuthNone
			r.Managed.SecretHashes = full().Managed.SecretHashes
		}, meta, ""},
	} {
		for kind, r := range map[string]Registration{"confidential": web(), "public": spa()} {
			c.change(&r)
			err := r.Validate()
			if CodeOf(err) != c.code {
				t.Errorf("%s, %s: got %v", kind, name, err)
				continue
			}
			if text := AsError(err).Description; !strings.Contains(text, c.names) {
				t.Errorf("%s, %s: %q does not name %s", kind, name, text, c.names)
			}
		}
	}
}

func TestValidateGrantsThatDoNotGoTogether(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Registration)
		names  string
	}{
		"A11 client credentials": {func(r *Registration) { r.GrantTypes = append(r.GrantTypes, GrantClientCredentials) }, "client_credentials"},
		"a secret":               {func(r *Registration) { r.Managed.SecretHashes = []string{strings.Repeat("a", 64)} }, "secret_hashes"},
		"A2 without PKCE":        {func(r *Registration) { r.Managed.PKCEOptional = true }, "pkce_optional"},
	} {
		r := spa()
		c.change(&r)
		if err := r.Validate(); CodeOf(err) != CodeInvalidClientMetadata || !strings.Contains(AsError(err).Description, c.names) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	confidential := web()
	confidential.Managed.SecretHashes = nil
	if err := confidential.Validate(); CodeOf(err) != CodeInvalidClientMetadata {
		t.Errorf("a confidential client without a secret: %v", err)
	}
	machine := web()
	machine.GrantTypes = []GrantType{GrantClientCredentials}
	if err := machine.Validate(); CodeOf(err) != CodeInvalidRedirectURI {
		t.Errorf("redirect URIs without the grant that needs them: %v", err)
	}
	machine.RedirectURIs = nil
	if err := machine.Validate(); CodeOf(err) != CodeInvalidClientMetadata || !strings.Contains(err.Error(), "response_types") {
		t.Errorf("response type code without the grant that gives it: %v", err)
	}
}

// A2: only a confidential client that a registrar says so of may do without.
func TestA2PKCERequired(t *testing.T) {
	confidential, strict, public, wrong, own := web(), web(), spa(), spa(), web()
	strict.Managed.PKCEOptional = false
	wrong.Managed.PKCEOptional = true // Validate refuses it; an edited store may have it
	own.Managed = nil
	for name, c := range map[string]struct {
		r    Registration
		want bool
	}{
		"the exception":                 {confidential, false},
		"confidential":                  {strict, true},
		"public":                        {public, true},
		"public with the exception":     {wrong, true},
		"self-registered, confidential": {own, true},
	} {
		if c.r.PKCERequired() != c.want {
			t.Errorf("%s: not %t", name, c.want)
		}
	}
}

func TestRemembersConsent(t *testing.T) {
	trusted, own := spa(), spa()
	own.Managed = nil
	for name, c := range map[string]struct {
		r    Registration
		to   string
		want bool
	}{
		"confidential":               {web(), "https://app.example/cb", true},
		"confidential, private-use":  {web(), "com.example.app:/cb", true},
		"public, https":              {own, "https://app.example/cb", true},
		"public, on loopback":        {own, "http://127.0.0.1:1/cb", true},
		"public, private-use":        {own, "com.example.app:/cb", false},
		"public and trusted, scheme": {trusted, "com.example.app:/cb", false},
		"public, redirect none":      {own, "", false},
	} {
		to, _ := ParseRedirectURI(c.to)
		if c.r.RemembersConsent(to) != c.want {
			t.Errorf("%s: not %t", name, c.want)
		}
	}
}

func TestSkipsConsent(t *testing.T) {
	confidential, public, untrusted, own := web(), spa(), web(), spa()
	untrusted.Managed.Trusted = false
	own.Managed = nil
	for name, c := range map[string]struct {
		r    Registration
		to   string
		want bool
	}{
		"trusted":                        {confidential, "https://app.example/cb", true},
		"trusted, on loopback":           {confidential, "http://localhost:1/cb", true},
		"trusted, public, https":         {public, "https://app.example/cb", true},
		"trusted, public, on loopback":   {public, "http://127.0.0.1:1/cb", false},
		"S1 trusted, public, localhost":  {public, "https://localhost:8443/cb", false},
		"S1 trusted, localhost below":    {public, "https://app.localhost/cb", false},
		"trusted, public, private-use":   {public, "com.example.app:/cb", false},
		"trusted, public, redirect none": {public, "", false},
		"not trusted":                    {untrusted, "https://app.example/cb", false},
		"self-registered":                {own, "https://app.example/cb", false},
	} {
		to, _ := ParseRedirectURI(c.to)
		if c.r.SkipsConsent(to) != c.want {
			t.Errorf("%s: not %t", name, c.want)
		}
	}
}

func TestB14ValidateAllowedUsers(t *testing.T) {
	long := strings.Repeat("é", MaxAllowedName)
	for name, c := range map[string]struct {
		allowed []AllowedUsers
		change  func(*Registration)
		valid   bool
	}{
		"everyone":              {allowed: nil, valid: true},
		"groups":                {allowed: []AllowedUsers{{Groups: []string{"sales", long}}}, valid: true},
		"roles":                 {allowed: []AllowedUsers{{Roles: []string{"admin"}}}, valid: true},
		"both":                  {allowed: someUsers(), valid: true},
		"no entry":              {allowed: []AllowedUsers{}},
		"an entry with neither": {allowed: append(someUsers(), AllowedUsers{Groups: []string{}})},
		"an empty name":         {allowed: []AllowedUsers{{Groups: []string{""}}}},
		"a long name":           {allowed: []AllowedUsers{{Roles: []string{long + "x"}}}},
		"too many entries":      {allowed: slices.Repeat(someUsers(), MaxAllowedUsers)},
		"too many names":        {allowed: []AllowedUsers{{Groups: slices.Repeat([]string{"a"}, MaxAllowedNames+1)}}},
		"a client for itself": {allowed: someUsers(), change: func(r *Registration) {
			m := full()
			m.Managed.AllowedUsers = r.Managed.AllowedUsers
			*r = m
		}},
	} {
		r := web()
		r.Managed.AllowedUsers = c.allowed
		if c.change != nil {
			c.change(&r)
		}
		if err := r.Validate(); (err == nil) != c.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
