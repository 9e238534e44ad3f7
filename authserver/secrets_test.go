package authserver_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
)

// header of a JWT, decoded.
func header(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]any
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func scrape(t *testing.T, s *authtest.Server) string {
	t.Helper()
	response, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestF36SecretsAppearNowhere plants secrets in every place a caller can put one,
// and looks for them, their hashes and the keys in everything that comes out.
func TestF36SecretsAppearNowhere(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := authtest.NewClient("app")
	planted := credential.NewClientSecret().Reveal()
	var out strings.Builder
	say := func(a authtest.Answer) {
		out.WriteString(a.Body)
		for name, values := range a.Header {
			out.WriteString(name + strings.Join(values, " "))
		}
	}
	say(s.Register(t, c.Registration))
	token := s.MustToken(t, c)

	wrong := c
	wrong.Secret = credential.Secret(planted)
	say(s.Token(t, wrong))
	swapped := c // the secret pasted as the id
	swapped.Registration.ClientID, swapped.Secret = planted, credential.Secret(planted)
	say(s.Token(t, swapped))
	say(s.Token(t, c, "scope", planted+`"`))
	say(s.Token(t, c, "resource", "relative-"+planted))
	say(s.Do(t, "POST", "/oauth/token?client_secret="+planted, "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded"))
	say(s.Do(t, "POST", "/oauth/token", "client_secret="+planted+"&client_secret="+planted, "Content-Type", "application/x-www-form-urlencoded"))
	say(s.Do(t, "GET", "/"+planted, ""))
	say(s.Do(t, planted, "/oauth/token", ""))
	say(s.SendText(t, "GET", "/oauth/register/apps.app", planted, ""))
	say(s.SendText(t, "GET", "/oauth/register/"+planted, authtest.RegistrarToken, ""))
	say(s.SendText(t, "GET", "/oauth/register/apps.app", c.Token.Reveal(), ""))
	say(s.SendText(t, "PUT", "/oauth/register/apps.app", authtest.RegistrarToken, `{"client_id":"`+planted+`"}`))
	say(s.SendText(t, "POST", "/oauth/register", authtest.RegistrarToken, `{"client_id":"`+planted+`","grant_types":"`+planted+`"}`))
	say(s.SendText(t, "POST", "/oauth/register", authtest.RegistrarToken, `{"`+planted+`":`))
	say(s.SendText(t, "POST", "/oauth/register", planted, `{}`))
	say(s.Do(t, "GET", "/registrar/v1/inventory?page="+planted, "", "Authorization", "Bearer "+authtest.RegistrarToken))
	say(s.Do(t, "GET", "/registrar/v1/inventory", "", "Authorization", "Bearer "+authtest.RegistrarToken))
	say(s.Do(t, "GET", "/readyz", ""))
	say(s.Do(t, "GET", "/.well-known/jwks.json", ""))

	serverKeys, err := s.ServerKeys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	private, err := s.Signing.Keys[0].JWK.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"answers": out.String(), "log": s.Log.String(), "metrics": scrape(t, s)} {
		for what, secret := range map[string]string{
			"a planted secret":                   planted,
			"its hash":                           credential.Hash(planted),
			"a client secret":                    c.Secret.Reveal(),
			"a client secret's hash":             credential.Hash(c.Secret.Reveal()),
			"a registration access token":        c.Token.Reveal(),
			"a registration access token's hash": credential.Hash(c.Token.Reveal()),
			"the registrar's token":              authtest.RegistrarToken + `"`,
			"an access token":                    token,
			"a server key":                       member(t, serverKeys, "keys", "key"),
			"a private signing key":              member(t, private, "d"),
		} {
			if strings.Contains(text, secret) {
				at := strings.Index(text, secret)
				t.Errorf("%s: %s appears: …%s", where, what, text[max(0, at-120):at])
			}
		}
	}
	for _, event := range []string{"client.registered", "client.authentication_refused", "registrar.refused", "registration.refused"} {
		if !strings.Contains(s.Log.String(), event) {
			t.Errorf("the audit log has no %s", event)
		}
	}
}

// member digs a string out of JSON, through the first element of arrays.
func member(t *testing.T, data []byte, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for _, name := range path {
		if list, ok := v.([]any); ok {
			v = list[0]
		}
		v = v.(map[string]any)[name]
		if list, ok := v.([]any); ok {
			v = list[0]
		}
	}
	text, _ := v.(string)
	if len(text) < 20 {
		t.Fatalf("no secret at %v", path)
	}
	return text
}

func TestMetricsCount(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	s.MustToken(t, c)
	s.MustToken(t, c)
	s.Token(t, authtest.NewClient("nobody"))
	s.Do(t, "GET", "/nowhere", "")
	text := scrape(t, s)
	for _, line := range []string{
		`clientele_token_requests_total{grant="client_credentials",outcome="issued"} 2`,
		`clientele_token_requests_total{grant="other",outcome="invalid_client"} 1`,
		`clientele_http_requests_total{code="200",route="token"} 2`,
		`clientele_http_requests_total{code="401",route="token"} 1`,
		`clientele_http_requests_total{code="404",route="none"} 1`,
		`clientele_registrations_total{outcome="client.registered"} 1`,
		`clientele_clients 1`,
		`clientele_policies 0`,
		`clientele_ready 1`,
		`clientele_signing_key_info{algorithm="ES256",kid="` + s.Signing.Keys[0].KID + `",phase="Active"} 1`,
		`go_goroutines `, `process_`, `clientele_store_writes_total `,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q", line)
		}
	}
}
