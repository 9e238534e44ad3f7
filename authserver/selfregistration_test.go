package authserver_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// seed1 is what the curl line of seed 1 sends.
const seed1 = `{
    "client_name": "My App",
    "redirect_uris": ["https://myapp.com/oauth/callback"],
    "scope": "posts.read posts.compose"
  }`

// open registration.
func open(on authtest.Config, change ...func(*endpoint.RegistrationSettings)) authtest.Config {
	r := endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen}
	for _, f := range change {
		f(&r)
	}
	on.Settings.Registration = r
	return on
}

func selfRegister(t *testing.T, s *authtest.Server, body string) authtest.Answer {
	t.Helper()
	return s.SendText(t, http.MethodPost, "/oauth/register", "", body)
}

func mustSelfRegister(t *testing.T, s *authtest.Server, body string) (id, token string) {
	t.Helper()
	a := selfRegister(t, s, body)
	if a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return a.Member("client_id"), a.Member("registration_access_token")
}

func countSelf(t *testing.T, s *authtest.Server) int {
	t.Helper()
	total, _ := s.SendText(t, http.MethodGet, "/registrar/v1/self-registered", authtest.RegistrarToken, "").JSON()["total"].(float64)
	return int(total)
}

func TestOpenRegistrationAnswersAsSeed1Says(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{}))
	a := selfRegister(t, s, seed1)
	if a.Status != http.StatusCreated || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", a.Status, a.Header, a.Body)
	}
	got := a.JSON()
	id, token := a.Member("client_id"), a.Member("registration_access_token")
	if len(id) != 36 || !credential.ValidFormat(token, credential.PrefixRegistrationToken) {
		t.Errorf("client_id %q, token %q", id, token)
	}
	want := map[string]any{
		"client_id":                  id,
		"client_name":                "My App",
		"client_id_issued_at":        float64(s.Clock.Now().Unix()),
		"redirect_uris":              []any{"https://myapp.com/oauth/callback"},
		"grant_types":                []any{"authorization_code", "refresh_token"},
		"response_types":             []any{"code"},
		"token_endpoint_auth_method": "none",
		"application_type":           "web",
		"scope":                      "posts.read posts.compose", // as it was sent
		"registration_access_token":  token,
		"registration_client_uri":    s.Issuer + "/oauth/register/" + id,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("answer\n%v\nwant\n%v", got, want)
	}
}

// cursor is what Cursor sends.
const cursor = `{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`

// INTEROP 7: what MCP clients and others send.
func TestOpenRegistrationAcceptsRealClients(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{}, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 }))
	for rule, c := range map[string]struct{ body, member, want string }{
		"Cursor, where its scheme is not permitted": {cursor, "redirect_uris", "[https://www.cursor.com/agents/mcp/oauth/callback http://localhost:8787/callback]"},
		"VS Code":                        {`{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],"redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://localhost/","http://127.0.0.1/","http://localhost:33418/","http://127.0.0.1:33418/"],"token_endpoint_auth_method":"none","application_type":"native"}`, "redirect_uris", "[https://insiders.vscode.dev/redirect https://vscode.dev/redirect http://localhost/ http://127.0.0.1/ http://localhost:33418/ http://127.0.0.1:33418/]"},
		"Claude":                         {`{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"claudeai"}`, "redirect_uris", "[https://claude.ai/api/mcp/auth_callback]"},
		"Claude Code":                    {`{"client_name":"Claude Code (example)","redirect_uris":["http://localhost:54212/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`, "application_type", "native"},
		"ChatGPT":                        {`{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post","client_uri":"https://chatgpt.com/"}`, "token_endpoint_auth_method", "none"},
		"MCP Inspector":                  {`{"redirect_uris":["http://localhost:6274/oauth/callback/debug"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","scope":""}`, "redirect_uris", "[http://localhost:6274/oauth/callback/debug]"},
		"MCP client on a loopback port":  {`{"client_name":"MCP Inspector","redirect_uris":["http://127.0.0.1:6274/oauth/callback","http://localhost:6274/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"application_type":"native","client_uri":"https://example.org","software_id":"x","software_version":"1"}`, "application_type", "native"},
		"a secret is asked for":          {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_post"}`, "token_endpoint_auth_method", "none"},
		"first redirect URI stays first": {`{"redirect_uris":["https://z.example/cb","https://a.example/cb"]}`, "redirect_uris", "[https://z.example/cb https://a.example/cb]"},
		"unknown grant types":            {`{"redirect_uris":["https://a.example/cb"],"grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:device_code"]}`, "grant_types", "[authorization_code]"},
		"unknown members, by their case": {`{"redirect_uris":["https://a.example/cb"],"Clientele_Managed":{"trusted":true},"Scope":"a"}`, "scope", "<nil>"},
		"a client_id of its own":         {`{"client_id":"apps.victim","redirect_uris":["https://a.example/cb"]}`, "token_endpoint_auth_method", "none"},
	} {
		a := selfRegister(t, s, c.body)
		if got := fmt.Sprint(a.JSON()[c.member]); a.Status != http.StatusCreated || got != c.want || a.Member("client_id") == "apps.victim" || a.JSON()["client_secret"] != nil {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
}

func TestA10OpenRegistrationRefuses(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{}))
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	for rule, c := range map[string]struct{ body, code string }{
		"privileged members":               {`{"redirect_uris":["https://a.example/cb"],"clientele_managed":{"trusted":true}}`, "invalid_client_metadata"},
		"redirect_uris is no list":         {`{"redirect_uris":"https://a.example/cb"}`, "invalid_redirect_uri"},
		"redirect_uris in another case":    {`{"Redirect_URIs":["https://a.example/cb"]}`, "invalid_redirect_uri"},
		"a name that is no string":         {`{"redirect_uris":["https://a.example/cb"],"client_name":["x"]}`, "invalid_client_metadata"},
		"client_credentials":               {`{"redirect_uris":["https://a.example/cb"],"grant_types":["client_credentials"]}`, "invalid_client_metadata"},
		"no redirect URI":                  {`{"client_name":"x"}`, "invalid_redirect_uri"},
		"this server's own address":        {`{"redirect_uris":["` + s.Issuer + `/oauth/authorize","https://a.example/cb"]}`, "invalid_redirect_uri"},
		"a script among good ones":         {`{"redirect_uris":["https://a.example/cb","javascript:alert(1)"]}`, "invalid_redirect_uri"},
		"plain http":                       {`{"redirect_uris":["http://a.example/cb"]}`, "invalid_redirect_uri"},
		"A1 JavaScript":                    {`{"redirect_uris":["JavaScript:alert(1)"]}`, "invalid_redirect_uri"},
		"a scheme that nobody vouches for": {`{"redirect_uris":["com.example.app:/cb"]}`, "invalid_redirect_uri"},
		"A9 a name with an override":       {`{"client_name":"\u202egnp","redirect_uris":["https://a.example/cb"]}`, "invalid_client_metadata"},
		"A15 huge scope":                   {`{"redirect_uris":["https://a.example/cb"],"scope":"` + strings.Repeat("a ", 5000) + `"}`, "invalid_client_metadata"},
		"A15 deep JSON":                    {`{"x":` + deep + `}`, "invalid_request"},
		"a member twice":                   {`{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://b.example/cb"]}`, "invalid_request"},
		"private_key_jwt":                  {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"private_key_jwt"}`, "invalid_client_metadata"},
	} {
		s.Clock.Advance(time.Minute)
		if a := selfRegister(t, s, c.body); a.Status != http.StatusBadRequest || a.Error() != c.code {
			t.Errorf("%s: %d %s, want 400 %s", rule, a.Status, a.Body, c.code)
		}
	}
	if a := selfRegister(t, s, `{"x":"`+strings.Repeat("a", 300<<10)+`"}`); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("A15 large body: %d", a.Status)
	}
	if n := countSelf(t, s); n != 0 {
		t.Errorf("%d clients were registered", n)
	}
}

func TestRegistrationModes(t *testing.T) {
	const body = `{"redirect_uris":["https://a.example/cb"]}`
	for mode, want := range map[endpoint.RegistrationMode]map[string]int{
		"":                                 {"": 401, authtest.NobodyToken: 403, authtest.RegisterToken: 403},
		endpoint.RegistrationDisabled:      {"": 401, authtest.NobodyToken: 403, authtest.RegisterToken: 403},
		endpoint.RegistrationAuthenticated: {"": 401, authtest.NobodyToken: 403, authtest.RegisterToken: 201, "unknown": 401},
		endpoint.RegistrationOpen:          {"": 201, authtest.NobodyToken: 403, authtest.RegisterToken: 201, "unknown": 401},
	} {
		s := authtest.Start(t, open(authtest.Config{}, func(r *endpoint.RegistrationSettings) { r.Mode = mode }))
		for token, status := range want {
			if a := s.SendText(t, http.MethodPost, "/oauth/register", token, body); a.Status != status {
				t.Errorf("%s, token %q: %d %s, want %d", mode, token, a.Status, a.Body, status)
			}
		}
	}
}

func TestAuthenticatedRegistrationMayHaveASecret(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{}, func(r *endpoint.RegistrationSettings) { r.Mode = endpoint.RegistrationAuthenticated }))
	body := `{"redirect_uris":["https://a.example/cb","com.example.app:/cb"],"token_endpoint_auth_method":"client_secret_basic"}`
	a := s.SendText(t, http.MethodPost, "/oauth/register", authtest.RegisterToken, body)
	secret := a.Member("client_secret")
	if a.Status != 201 || !credential.ValidFormat(secret, credential.PrefixClientSecret) || fmt.Sprint(a.JSON()["client_secret_expires_at"]) != "0" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	id, token := a.Member("client_id"), a.Member("registration_access_token")
	uri := "/oauth/register/" + id
	change := func(method, secret string) authtest.Answer {
		return s.SendText(t, http.MethodPut, uri, token, fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":%q,"client_secret":%q}`, id, method, secret))
	}
	if a := change("client_secret_basic", secret); a.Status != 200 || a.Member("client_secret") != "" {
		t.Errorf("unchanged: %d %s", a.Status, a.Body)
	}
	if a := change("client_secret_basic", secret+"x"); a.Status != 400 {
		t.Errorf("another secret: %d %s", a.Status, a.Body)
	}
	if a := change("none", ""); a.Status != 200 || a.Member("client_secret") != "" {
		t.Errorf("becomes public: %d %s", a.Status, a.Body)
	}
	if a := change("client_secret_post", ""); a.Status != 200 || a.Member("client_secret") == secret || a.Member("client_secret") == "" {
		t.Errorf("gets a secret again: %d %s", a.Status, a.Body)
	}
	for _, planted := range []string{secret, token} {
		if strings.Contains(s.Log.String(), planted) {
			t.Error("F36: a secret is in the log")
		}
	}
}

func TestRegistrationManagement(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, open(on))
		id, token := mustSelfRegister(t, s, seed1)
		uri := "/oauth/register/" + id
		read := func(token string) authtest.Answer { return s.SendText(t, http.MethodGet, uri, token, "") }
		update := func(token, body string) authtest.Answer { return s.SendText(t, http.MethodPut, uri, token, body) }
		body := fmt.Sprintf(`{"client_id":%q,"client_name":"Renamed","redirect_uris":["https://myapp.com/other"]}`, id)

		if a := read(token); a.Status != 200 || a.Member("registration_access_token") != token || a.Member("client_name") != "My App" {
			t.Fatalf("read: %d %s", a.Status, a.Body)
		}
		writes := s.Store.Writes()
		read(token)
		if s.Store.Writes() != writes {
			t.Error("reading wrote")
		}
		// An update whose answer was lost is repeated with the token that the app has.
		for _, try := range []string{"update", "again"} {
			a := update(token, body)
			if a.Status != 200 || a.Member("client_name") != "Renamed" || a.JSON()["scope"] != nil || a.Member("registration_access_token") != token {
				t.Fatalf("%s: %d %s", try, a.Status, a.Body)
			}
		}
		if a := read(token); a.Status != 200 || a.Member("client_name") != "Renamed" || a.Member("registration_access_token") != token {
			t.Errorf("read after an update: %d %s", a.Status, a.Body)
		}
		if a := s.SendText(t, http.MethodDelete, uri, token, ""); a.Status != 204 || a.Body != "" {
			t.Errorf("delete: %d %s", a.Status, a.Body)
		}
		if a := read(token); a.Status != 401 {
			t.Errorf("a deleted client: %d", a.Status)
		}
	})
}

func TestA10AnothersClient(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, open(on))
		managed := s.MustRegister(t, authtest.NewClient("victim"))
		id, _ := mustSelfRegister(t, s, seed1)
		_, evil := mustSelfRegister(t, s, seed1)
		for _, victim := range []string{id, managed.Registration.ClientID} {
			body := fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://evil.example/cb"]}`, victim)
			for _, token := range []string{evil, "", "abc", authtest.NobodyToken, authtest.RegisterToken} {
				for _, method := range []string{"GET", "PUT", "DELETE"} {
					if a := s.SendText(t, method, "/oauth/register/"+victim, token, body); a.Status != 401 && a.Status != 403 {
						t.Errorf("%s of %s with %q: %d %s", method, victim, token, a.Status, a.Body)
					}
				}
			}
		}
		id, token := mustSelfRegister(t, s, seed1)
		for rule, body := range map[string]string{
			"privileged members":  fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://a.example/cb"],"clientele_managed":{"trusted":true}}`, id),
			"another client's id": fmt.Sprintf(`{"client_id":%q,"redirect_uris":["https://a.example/cb"]}`, managed.Registration.ClientID),
			"no client_id":        `{"redirect_uris":["https://a.example/cb"]}`,
		} {
			if a := s.SendText(t, http.MethodPut, "/oauth/register/"+id, token, body); a.Status != 400 {
				t.Errorf("%s: %d %s", rule, a.Status, a.Body)
			}
		}
		// A registrar takes over no client that registered itself.
		c := authtest.NewClient("thief")
		c.Registration.ClientID = id
		if a := s.Register(t, c.Registration); a.Status != 409 {
			t.Errorf("registrar, same id: %d %s", a.Status, a.Body)
		}
	})
}

func TestA10Flood(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, open(on, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute, r.PerAddressDay, r.MaxClients = 3, 5, 6 }))
		flood := func(n int) (created int, last authtest.Answer) {
			for range n {
				if last = selfRegister(t, s, seed1); last.Status == http.StatusCreated {
					created++
				}
			}
			return created, last
		}
		created, last := flood(6)
		if created != 3 || last.Status != 429 || last.Error() != "too_many_requests" || last.Header.Get("Retry-After") != "20" {
			t.Fatalf("per minute: %d created, then %d %v %s", created, last.Status, last.Header, last.Body)
		}
		writes := s.Store.Writes()
		flood(10)
		if s.Store.Writes() != writes {
			t.Error("a flood reached the store")
		}
		s.Clock.Advance(time.Minute)
		if created, last = flood(3); created != 2 || last.Status != 429 {
			t.Fatalf("per day: %d created, then %d", created, last.Status)
		}
		s.MustRegister(t, authtest.NewClient("managed")) // a registrar is not affected
	})
}

// Whoever may register by RBAC shares neither buckets nor room with anybody.
func TestA10AFloodOfAnybodysKeepsNoUserOut(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{}, func(r *endpoint.RegistrationSettings) { r.PerMinute, r.MaxClients = 3, 2 }))
	byUser := func() authtest.Answer {
		return s.SendText(t, http.MethodPost, "/oauth/register", authtest.RegisterToken, seed1)
	}
	for range 2 {
		mustSelfRegister(t, s, seed1)
	}
	if a := selfRegister(t, s, seed1); a.Status != 429 || a.Header.Get("Retry-After") != "3600" {
		t.Fatalf("no more room for anybody: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := selfRegister(t, s, "{}"); a.Status != 429 || a.Header.Get("Retry-After") != "20" {
		t.Fatalf("anybody's minute is used up: %d %v %s", a.Status, a.Header, a.Body)
	}
	for range 2 {
		if a := byUser(); a.Status != 201 {
			t.Errorf("a user: %d %s", a.Status, a.Body)
		}
	}
	if a := byUser(); a.Status != 429 || a.Header.Get("Retry-After") != "3600" {
		t.Errorf("no more room for users: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := byUser(); a.Status != 429 || a.Header.Get("Retry-After") != "20" {
		t.Errorf("the users' minute is used up: %d %v %s", a.Status, a.Header, a.Body)
	}
}

func TestUnusedClientsExpire(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, open(on))
		id, token := mustSelfRegister(t, s, seed1)
		managed := s.MustRegister(t, authtest.NewClient("managed"))
		s.Clock.Advance(23 * time.Hour)
		young, _ := mustSelfRegister(t, s, seed1)
		sweep := func() {
			t.Helper()
			if err := s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sweep()
		if countSelf(t, s) != 2 {
			t.Fatal("swept too early")
		}
		s.Clock.Advance(time.Hour)
		sweep()
		if a := s.SendText(t, http.MethodGet, "/oauth/register/"+id, token, ""); a.Status != 401 || countSelf(t, s) != 1 {
			t.Errorf("unused for a day: %d, %d left (the young one is %s)", a.Status, countSelf(t, s), young)
		}
		if a := s.SendText(t, http.MethodGet, "/oauth/register/"+managed.Registration.ClientID, authtest.RegistrarToken, ""); a.Status != 200 {
			t.Errorf("a managed client: %d", a.Status)
		}
	})
}

func TestRegistrarsSeeAndRevokeSelfRegistered(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, open(on))
		managed := s.MustRegister(t, authtest.NewClient("managed"))
		ids := []string{}
		for range 3 {
			id, _ := mustSelfRegister(t, s, seed1)
			ids = append(ids, id)
		}
		slices.Sort(ids)
		const path = "/registrar/v1/self-registered"
		for _, token := range []string{"", authtest.NobodyToken, authtest.RegisterToken} {
			if a := s.SendText(t, http.MethodGet, path, token, ""); a.Status != 401 && a.Status != 403 {
				t.Errorf("token %q: %d", token, a.Status)
			}
			if a := s.SendText(t, http.MethodDelete, path+"/"+ids[0], token, ""); a.Status != 401 && a.Status != 403 {
				t.Errorf("token %q: %d", token, a.Status)
			}
		}
		list := func(query string) (l oauth.SelfRegisteredList) {
			t.Helper()
			a := s.SendText(t, http.MethodGet, path+query, authtest.RegistrarToken, "")
			if err := json.Unmarshal([]byte(a.Body), &l); err != nil || a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			return l
		}
		first := list("?limit=2")
		second := list("?limit=2&page=" + first.Next)
		seen := map[string]bool{}
		for _, c := range append(first.Clients, second.Clients...) {
			seen[c.ClientID] = true
		}
		if first.Total != 3 || second.Next != "" || !slices.Equal(slices.Sorted(maps.Keys(seen)), ids) {
			t.Errorf("pages %+v %+v", first, second)
		}
		for _, page := range []string{"'--", "%00", strings.Repeat("a", 300)} {
			if a := s.SendText(t, http.MethodGet, path+"?page="+page, authtest.RegistrarToken, ""); a.Status != 400 {
				t.Errorf("A16 page %q: %d", page, a.Status)
			}
		}
		if one := list("?client_id=" + ids[0]); len(one.Clients) != 1 || one.Clients[0].ClientID != ids[0] || one.Next != "" {
			t.Errorf("one: %+v", one)
		}
		for _, absent := range []string{"nobody", managed.Registration.ClientID} {
			if l := list("?client_id=" + absent); len(l.Clients) != 0 {
				t.Errorf("%s: %+v", absent, l)
			}
		}
		for _, existed := range []bool{true, false} {
			want := fmt.Sprintf(`{"client_id":%q,"existed":%v,"families":0,"people":0}`, ids[0], existed)
			if a := s.SendText(t, http.MethodDelete, path+"/"+ids[0], authtest.RegistrarToken, ""); a.Status != 200 || a.Body != want {
				t.Errorf("revoke: %d %s, want %s", a.Status, a.Body, want)
			}
		}
		if a := s.SendText(t, http.MethodDelete, path+"/"+managed.Registration.ClientID, authtest.RegistrarToken, ""); a.Status != 409 {
			t.Errorf("a managed client: %d %s", a.Status, a.Body)
		}
		if list("").Total != 2 {
			t.Error("it is still there")
		}
	})
}
