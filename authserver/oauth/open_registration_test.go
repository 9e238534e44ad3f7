package oauth

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func request(t *testing.T, body string) Registration {
	t.Helper()
	var r Registration
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// What real clients send, as they send it. want is the registration that the
// answer echoes.
func TestForOpenRegistrationAccepts(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"seed 1's curl line": {
			`{"client_name": "My App", "redirect_uris": ["https://myapp.com/oauth/callback"], "scope": "posts.read posts.compose"}`,
			`{"client_name":"My App","grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","scope":"posts.compose posts.read",
			"redirect_uris":["https://myapp.com/oauth/callback"],"response_types":["code"],"application_type":"web"}`},
		"MCP inspector": {
			`{"redirect_uris":["http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","scope":""}`,
			`{"client_name":"MCP Inspector","grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none",
			"redirect_uris":["http://localhost:6274/oauth/callback"],"response_types":["code"],"application_type":"native","client_uri":"https://github.com/modelcontextprotocol/inspector"}`},
		"an editor, with grants and members that are unknown here": {
			`{"client_name":"Editor","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],
			"redirect_uris":["https://editor.example/redirect","http://localhost/","http://127.0.0.1/","http://127.0.0.1:33418/"],
			"token_endpoint_auth_method":"none","application_type":"native","software_id":"x","unknown":{"a":[null]},"jwks_uri":"http://169.254.169.254/"}`,
			`{"client_name":"Editor","grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none",
			"redirect_uris":["http://127.0.0.1/","http://127.0.0.1:33418/","http://localhost/","https://editor.example/redirect"],"response_types":["code"],"application_type":"native"}`},
		"an SDK that asks for a secret by default": {
			`{"redirect_uris":["http://127.0.0.1:3000/cb"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code"],"response_types":["code"],"client_id":"mine"}`,
			`{"grant_types":["authorization_code"],"token_endpoint_auth_method":"none","redirect_uris":["http://127.0.0.1:3000/cb"],"response_types":["code"],"application_type":"native"}`},
		"null and empty members": {
			`{"redirect_uris":["https://a.example/cb"],"grant_types":[],"response_types":null,"scope":null,"client_uri":"","contacts":null,"application_type":"hybrid"}`,
			`{"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","redirect_uris":["https://a.example/cb"],"response_types":["code"],"application_type":"web"}`},
		"response types that are not needed": {
			`{"redirect_uris":["https://a.example/cb","https://a.example/cb"],"response_types":["code id_token","code"]}`,
			`{"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","redirect_uris":["https://a.example/cb"],"response_types":["code"],"application_type":"web"}`},
	} {
		got, err := ForOpenRegistration(request(t, c.body), SelfRules{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := json.Marshal(got)
		if want := strings.NewReplacer("\n", "", "\t", "").Replace(c.want); err != nil || string(body) != want {
			t.Errorf("%s:\n got %s\nwant %s", name, body, want)
		}
	}
}

func TestA10ForOpenRegistrationRefuses(t *testing.T) {
	const ok = `"redirect_uris":["https://a.example/cb"]`
	for name, c := range map[string]struct {
		body  string
		code  Code
		names string
	}{
		"registrar's members":          {`{` + ok + `,"clientele_managed":{"trusted":true}}`, CodeInvalidClientMetadata, "clientele_managed"},
		"registrar's members, empty":   {`{` + ok + `,"clientele_managed":{}}`, CodeInvalidClientMetadata, "clientele_managed"},
		"registrar's, in another case": {`{` + ok + `,"CLIENTELE_managed":{}}`, CodeInvalidClientMetadata, "clientele_managed"},
		"no redirect URI":              {`{"client_name":"x"}`, CodeInvalidRedirectURI, "redirect_uris"},
		"empty":                        {`{}`, CodeInvalidRedirectURI, "redirect_uris"},
		"http redirect":                {`{"redirect_uris":["http://a.example/cb"]}`, CodeInvalidRedirectURI, "redirect_uris[0]"},
		"script as redirect":           {`{"redirect_uris":["https://a.example","javascript:alert(1)"]}`, CodeInvalidRedirectURI, "redirect_uris[1]"},
		"private-use scheme":           {`{"redirect_uris":["com.example.app:/cb"]}`, CodeInvalidRedirectURI, "or localhost: nobody vouches"},
		"scheme without period":        {`{"redirect_uris":["cursor://cb"]}`, CodeInvalidRedirectURI, "redirect_uris[0]"},
		"client credentials":           {`{` + ok + `,"grant_types":["authorization_code","client_credentials"]}`, CodeInvalidClientMetadata, "client_credentials"},
		"password":                     {`{` + ok + `,"grant_types":["authorization_code","password"]}`, CodeInvalidClientMetadata, "password"},
		"implicit":                     {`{` + ok + `,"grant_types":["implicit"]}`, CodeInvalidClientMetadata, "implicit"},
		"refresh alone":                {`{` + ok + `,"grant_types":["refresh_token"]}`, CodeInvalidClientMetadata, "grant_types"},
		"unknown grants alone":         {`{` + ok + `,"grant_types":["urn:x"]}`, CodeInvalidClientMetadata, "grant_types"},
		"A15 too many grants":          {`{` + ok + `,"grant_types":[` + strings.Repeat(`"authorization_code",`, 8) + `"authorization_code"]}`, CodeInvalidClientMetadata, "grant_types"},
		"private_key_jwt":              {`{` + ok + `,"token_endpoint_auth_method":"private_key_jwt"}`, CodeInvalidClientMetadata, "token_endpoint_auth_method"},
		"mutual TLS":                   {`{` + ok + `,"token_endpoint_auth_method":"tls_client_auth"}`, CodeInvalidClientMetadata, "token_endpoint_auth_method"},
		"response type token alone":    {`{` + ok + `,"response_types":["token"]}`, CodeInvalidClientMetadata, "response_types"},
		"A9 name turns text around":    {`{` + ok + `,"client_name":"a\u202eb"}`, CodeInvalidClientMetadata, "client_name"},
		"A9 policy is a script":        {`{` + ok + `,"policy_uri":"javascript:x"}`, CodeInvalidClientMetadata, "policy_uri"},
		"scope malformed":              {`{` + ok + `,"scope":"a\tb"}`, CodeInvalidClientMetadata, "scope"},
	} {
		got, err := ForOpenRegistration(request(t, c.body), SelfRules{})
		if CodeOf(err) != c.code || !strings.Contains(AsError(err).Description, c.names) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// RFC 7591, Section 3.2.1: a stranger's logo is not registered, and the answer says so,
// whatever it is.
func TestStrangersHaveNoLogo(t *testing.T) {
	for _, accept := range []func(Registration, SelfRules) (Registration, error){ForOpenRegistration, ForAuthenticatedRegistration} {
		for _, uri := range []string{"https://a.example/logo.png", "javascript:x", strings.Repeat("x", MaxPageLength+1)} {
			got, err := accept(Registration{RedirectURIs: []string{"https://a.example/cb"}, LogoURI: uri, ClientURI: "https://a.example/"}, SelfRules{})
			if err != nil || got.LogoURI != "" || got.ClientURI != "https://a.example/" {
				t.Errorf("%s: %+v, %v", uri, got, err)
			}
		}
	}
}

// RFC 7591, Section 3.2.1: what is registered is what can be, and the answer says so.
func TestRedirectURIsThatLeadElsewhereAreLeftOut(t *testing.T) {
	rules := SelfRules{Issuer: "https://login.example/auth", PrivateUseSchemes: []string{"cursor"}}
	many := strings.Repeat("https://a.example/cb ", MaxRedirectURIs+1)
	for name, c := range map[string]struct {
		asked, open, known string // empty: refused
		says               string
	}{
		"Cursor": {"cursor://anysphere.cursor-mcp/oauth/callback https://www.cursor.com/agents/mcp/oauth/callback http://localhost:8787/callback",
			"cursor://anysphere.cursor-mcp/oauth/callback http://localhost:8787/callback https://www.cursor.com/agents/mcp/oauth/callback",
			"cursor://anysphere.cursor-mcp/oauth/callback http://localhost:8787/callback https://www.cursor.com/agents/mcp/oauth/callback", ""},
		"a scheme that is not permitted":  {"zed://cb https://a.example/cb", "https://a.example/cb", "https://a.example/cb", ""},
		"a domain in reverse":             {"com.example.app:/cb https://a.example/cb", "https://a.example/cb", "com.example.app:/cb https://a.example/cb", ""},
		"http beyond loopback":            {"http://a.example/cb http://127.0.0.1/cb", "http://127.0.0.1/cb", "http://127.0.0.1/cb", ""},
		"nothing is left":                 {"zed://cb http://a.example/cb", "", "", "redirect_uris[0]: a redirect URI's private-use scheme must be a domain in reverse, as in com.example.app:/callback (RFC 8252, Section 7.1), or one that the AuthorizationServer permits (registration.privateUseSchemes); redirect_uris[1]: a redirect URI must be https"},
		"javascript":                      {"https://a.example/cb javascript:alert(1)", "", "", "redirect_uris[1]"},
		"javascript with slashes":         {"https://a.example/cb javascript://a/%0aalert(1)", "", "", "redirect_uris[1]"},
		"data":                            {"data:/x https://a.example/cb", "", "", "redirect_uris[0]"},
		"user name":                       {"https://a.example@b.example/ https://a.example/cb", "", "", "redirect_uris[0]"},
		"user name, http":                 {"http://a.example@b.example/ https://a.example/cb", "", "", "redirect_uris[0]"},
		"user name, scheme not permitted": {"zed://a@b/ https://a.example/cb", "", "", "redirect_uris[0]"},
		"fragment, scheme not permitted":  {"zed://a/# https://a.example/cb", "", "", "redirect_uris[0]"},
		"dot segments":                    {"http://a.example/../b https://a.example/cb", "", "", "redirect_uris[0]"},
		"the answer's parameter":          {"http://a.example/?code=x https://a.example/cb", "", "", "redirect_uris[0]"},
		"no URI":                          {"nonsense https://a.example/cb", "", "", "redirect_uris[0]"},
		"upper case":                      {"JavaScript:x https://a.example/cb", "", "", "redirect_uris[0]"},
		"too many":                        {strings.TrimSpace(many), "", "", "at most 32"},
		"this server's host":              {"https://login.example/oauth/callback/x https://a.example/cb", "", "", "redirect_uris[0] is at this server's own host"},
		"this server's host, other port":  {"https://login.example:8443/ https://a.example/cb", "", "", "redirect_uris[0] is at this server's own host"},
		"this server's host, by http":     {"http://login.example/cb https://a.example/cb", "", "", "redirect_uris[0] is at this server's own host"},
		"a domain in reverse alone":       {"com.example.app:/cb", "", "com.example.app:/cb", "or localhost, or of a scheme that the server permits: nobody vouches"},
		"below this server's host":        {"https://app.login.example/cb", "https://app.login.example/cb", "https://app.login.example/cb", ""},
	} {
		r := Registration{RedirectURIs: strings.Fields(c.asked)}
		for want, accept := range map[*string]func(Registration, SelfRules) (Registration, error){&c.open: ForOpenRegistration, &c.known: ForAuthenticatedRegistration} {
			got, err := accept(r, rules)
			switch {
			case strings.Join(got.RedirectURIs, " ") != *want:
				t.Errorf("%s: %q, want %q", name, got.RedirectURIs, *want)
			case *want == "" && (CodeOf(err) != CodeInvalidRedirectURI || !strings.Contains(AsError(err).Description, c.says)):
				t.Errorf("%s: %v", name, err)
			case *want != "" && err != nil:
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNothingOfAStrangersIsAtTheServersOwnHost(t *testing.T) {
	for name, c := range map[string]struct {
		issuer string
		change func(*Registration)
		code   Code
	}{
		"sign-out":                {"https://Login.example", func(r *Registration) { r.PostLogoutRedirectURIs = []string{"https://login.example/oauth/logout"} }, CodeInvalidClientMetadata},
		"loopback":                {"http://127.0.0.1:8080", func(r *Registration) { r.RedirectURIs = []string{"http://127.0.0.1:8080/oauth/authorize"} }, CodeInvalidRedirectURI},
		"an app beside it there":  {"http://127.0.0.1:8080", func(r *Registration) { r.RedirectURIs = []string{"http://127.0.0.1:8081/cb"} }, ""},
		"an app's private scheme": {"https://login.example", func(r *Registration) { r.RedirectURIs = []string{"com.example.app://login.example/cb"} }, ""},
	} {
		r := Registration{RedirectURIs: []string{"https://a.example/cb"}}
		c.change(&r)
		if _, err := ForAuthenticatedRegistration(r, SelfRules{Issuer: c.issuer}); CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForAuthenticatedRegistration(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		method AuthMethod
		code   Code
	}{
		"method left out":     {`{"redirect_uris":["https://a.example/cb"]}`, AuthNone, ""},
		"with a secret":       {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_post"}`, AuthClientSecretPost, ""},
		"private-use scheme":  {`{"redirect_uris":["com.example.app:/cb"]}`, AuthNone, ""},
		"private_key_jwt":     {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"private_key_jwt"}`, "", CodeInvalidClientMetadata},
		"client credentials":  {`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"client_secret_basic"}`, "", CodeInvalidClientMetadata},
		"A10 registrar's":     {`{"redirect_uris":["https://a.example/cb"],"clientele_managed":{}}`, "", CodeInvalidClientMetadata},
		"no redirect URI":     {`{"token_endpoint_auth_method":"client_secret_basic"}`, "", CodeInvalidRedirectURI},
		"somebody's clientID": {`{"client_id":"team-a.app","redirect_uris":["https://a.example/cb"]}`, AuthNone, ""},
	} {
		got, err := ForAuthenticatedRegistration(request(t, c.body), SelfRules{})
		if CodeOf(err) != c.code || got.TokenEndpointAuthMethod != c.method || got.ClientID != "" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestForOpenRegistrationLeavesItsArgument(t *testing.T) {
	r := request(t, `{"redirect_uris":["https://b.example/","https://a.example/"],"grant_types":["refresh_token","authorization_code","urn:x"],"response_types":["token","code"]}`)
	if _, err := ForOpenRegistration(r, SelfRules{}); err != nil {
		t.Fatal(err)
	}
	if r.RedirectURIs[0] != "https://b.example/" || r.GrantTypes[2] != "urn:x" || len(r.ResponseTypes) != 2 {
		t.Errorf("changed: %+v", r)
	}
}

func FuzzOpenRegistration(f *testing.F) {
	f.Add([]byte(`{"client_name":"My App","redirect_uris":["https://myapp.com/oauth/callback"],"scope":"posts.read posts.compose"}`))
	f.Add([]byte(`{"redirect_uris":["http://localhost:1/"],"grant_types":["authorization_code","x"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic"}`))
	f.Add([]byte(`{"redirect_uris":["com.example.app:/cb"],"clientele_managed":null,"logo_uri":"https://a/#"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Registration
		if json.Unmarshal(in, &r) != nil {
			return
		}
		got, err := ForOpenRegistration(r, SelfRules{})
		if err != nil {
			if code := CodeOf(err); code != CodeInvalidClientMetadata && code != CodeInvalidRedirectURI {
				t.Fatal(err)
			}
			return
		}
		if !got.Public() || got.Managed != nil || got.ClientID != "" || !got.PKCERequired() || len(got.RedirectURIs) == 0 ||
			slices.Contains(got.GrantTypes, GrantClientCredentials) || !slices.Contains(got.GrantTypes, GrantAuthorizationCode) {
			t.Fatalf("%+v", got)
		}
		again, err := ForOpenRegistration(got, SelfRules{})
		if err != nil || again.Digest() != got.Digest() || got.Validate() != nil {
			t.Fatalf("%+v became %+v, %v", got, again, err)
		}
		for _, s := range got.RedirectURIs {
			if uri, err := ParseRedirectURI(s); err != nil || uri.Kind() == RedirectPrivateUse {
				t.Fatalf("%q, %v", s, err)
			}
		}
	})
}
