package signin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// hostile is a provider that answers what a test wants it to.
type hostile struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	// change is given the ID token's claims before they are signed.
	change   func(claims map[string]any)
	metadata map[string]any
	userinfo map[string]any
	signer   *ecdsa.PrivateKey // nil: key
	// forge, unless nil, makes the ID token of its encoded payload.
	forge    func(payload string) string
	nonce    string
	verifier string
	fresh    bool // a new sign-in is asked for
	asked    url.Values
}

func newHostile(t *testing.T, change func(map[string]any)) *hostile {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{t: t, key: key, change: change, metadata: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", h.discovery)
	mux.HandleFunc("/token", h.token)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(h.userinfo)
	})
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	return h
}

func (h *hostile) provider() Provider {
	return Provider{Name: "corp", Issuer: h.server.URL, ClientID: "c"}
}

func (h *hostile) discovery(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer": h.server.URL, "authorization_endpoint": h.server.URL + "/authorize", "token_endpoint": h.server.URL + "/token",
		"jwks_uri": h.server.URL + "/jwks", "userinfo_endpoint": h.server.URL + "/userinfo",
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
	}
	for name, value := range h.metadata {
		doc[name] = value
	}
	_ = json.NewEncoder(w).Encode(doc)
}

func (h *hostile) token(w http.ResponseWriter, r *http.Request) {
	h.verifier = r.PostFormValue("code_verifier")
	claims := map[string]any{
		"iss": h.server.URL, "sub": "4711", "aud": "c", "nonce": h.nonce,
		"iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix(),
	}
	if h.change != nil {
		h.change(claims)
	}
	signer := h.signer
	if signer == nil {
		signer = h.key
	}
	token := h.sign(signer, claims)
	if h.forge != nil {
		token = h.forge(strings.Split(token, ".")[1])
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": token})
}

func (h *hostile) sign(key *ecdsa.PrivateKey, claims map[string]any) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		h.t.Error(err)
		return ""
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		h.t.Error(err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		h.t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		h.t.Error(err)
	}
	return text
}

// run signs in and gives the provider's answer these extra parameters.
func (h *hostile) run(t *testing.T, p Provider, extra string) (Result, error) {
	t.Helper()
	u := upstreams(t, p)
	b := newBrowser(t)
	location, cookies, err := u.Begin(context.Background(), Start{Provider: "corp", Fresh: h.fresh}, noon)
	if err != nil {
		return Result{}, err
	}
	b.keep(cookies)
	asked, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	h.asked, h.nonce = asked.Query(), asked.Query().Get("nonce")
	back := &url.URL{Path: "/oauth/callback/corp", RawQuery: "code=x&state=" + asked.Query().Get("state") + extra}
	return u.Finish(context.Background(), "corp", b.request(back), noon)
}

func TestUpstreamIDTokenIsChecked(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		signer *ecdsa.PrivateKey
		ok     bool
	}{
		"good":                      {nil, nil, true},
		"another key":               {nil, other, false},
		"another issuer":            {func(c map[string]any) { c["iss"] = "https://evil.example" }, nil, false},
		"another audience":          {func(c map[string]any) { c["aud"] = "d" }, nil, false},
		"two audiences, no azp":     {func(c map[string]any) { c["aud"] = []string{"c", "d"} }, nil, false},
		"two audiences, azp ours":   {func(c map[string]any) { c["aud"], c["azp"] = []string{"c", "d"}, "c" }, nil, true},
		"two audiences, azp theirs": {func(c map[string]any) { c["aud"], c["azp"] = []string{"c", "d"}, "d" }, nil, false},
		"azp theirs":                {func(c map[string]any) { c["azp"] = "d" }, nil, false},
		"no nonce":                  {func(c map[string]any) { delete(c, "nonce") }, nil, false},
		"another nonce":             {func(c map[string]any) { c["nonce"] = "x" }, nil, false},
		"expired":                   {func(c map[string]any) { c["exp"] = noon.Add(-time.Minute).Unix() }, nil, false},
		"no exp":                    {func(c map[string]any) { delete(c, "exp") }, nil, false},
		"no sub":                    {func(c map[string]any) { delete(c, "sub") }, nil, false},
		"long sub":                  {func(c map[string]any) { c["sub"] = strings.Repeat("s", 256) }, nil, false},
		"at_hash of another token":  {func(c map[string]any) { c["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ" }, nil, false},
		"groups that are no list":   {func(c map[string]any) { c["groups"] = map[string]any{"a": 1} }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, c.change)
			h.signer = c.signer
			got, err := h.run(t, h.provider(), "")
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrUpstreamFailed) || c.ok != (got.User.Subject != "") {
				t.Errorf("got %q, %v, want ok %v", got.User.Subject, err, c.ok)
			}
			if len(h.verifier) < 43 {
				t.Errorf("the code verifier has %d characters", len(h.verifier))
			}
		})
	}
}

// A7: neither `none` nor the public key as an HMAC key makes a token good,
// whatever the provider's metadata offers.
func TestA7UpstreamIDTokenAlgorithms(t *testing.T) {
	h := newHostile(t, nil)
	public, err := x509.MarshalPKIXPublicKey(h.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	for name, forge := range map[string]func(payload string) string{
		"none": func(payload string) string { return encode([]byte(`{"alg":"none"}`)) + "." + payload + "." },
		"HS256 with the public key": func(payload string) string {
			signed := encode([]byte(`{"alg":"HS256","kid":"k"}`)) + "." + payload
			mac := hmac.New(sha256.New, public)
			mac.Write([]byte(signed))
			return signed + "." + encode(mac.Sum(nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h.forge = forge
			if got, err := h.run(t, h.provider(), ""); !errors.Is(err, ErrUpstreamFailed) || got.User.Subject != "" {
				t.Errorf("got %q, %v", got.User.Subject, err)
			}
		})
	}
}

// A18: an answer that says it is of another server ends before the code is sent
// anywhere (RFC 9207).
func TestA18UpstreamIss(t *testing.T) {
	for name, c := range map[string]struct {
		promised bool
		extra    string
		ok       bool
	}{
		"not promised, absent": {false, "", true},
		"right":                {true, "RIGHT", true},
		"promised, absent":     {true, "", false},
		"another":              {false, "&iss=https%3A%2F%2Fevil.example", false},
		"another, on an error": {false, "&error=access_denied&iss=https%3A%2F%2Fevil.example", false},
		"twice":                {true, "RIGHTRIGHT", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, nil)
			h.metadata["authorization_response_iss_parameter_supported"] = c.promised
			extra := strings.ReplaceAll(c.extra, "RIGHT", "&iss="+url.QueryEscape(h.server.URL))
			_, err := h.run(t, h.provider(), extra)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrUpstreamFailed) {
				t.Errorf("got %v", err)
			}
			if !c.ok && h.verifier != "" {
				t.Error("the code and its verifier were sent all the same")
			}
		})
	}
}

func TestUpstreamDiscoveryIsChecked(t *testing.T) {
	for name, metadata := range map[string]map[string]any{
		"another issuer":        {"issuer": "https://evil.example"},
		"plain http":            {"authorization_endpoint": "http://evil.example/authorize"},
		"a script":              {"authorization_endpoint": "javascript:alert(1)"},
		"token over plain http": {"token_endpoint": "http://evil.example/token"},
		"keys over plain http":  {"jwks_uri": "http://10.1.2.3/jwks"},
		"no keys":               {"jwks_uri": ""},
		"userinfo over http":    {"userinfo_endpoint": "http://10.1.2.3/userinfo"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, nil)
			h.metadata = metadata
			if _, err := h.run(t, h.provider(), ""); !errors.Is(err, ErrUpstreamFailed) || h.asked != nil {
				t.Errorf("the browser was sent to %v: %v", h.asked, err)
			}
		})
	}
}

func TestUpstreamUserInfoAddsClaims(t *testing.T) {
	h := newHostile(t, func(c map[string]any) { c["name"] = "Ada of the token" })
	p := h.provider()
	p.UserInfo = true
	p.Claims = ClaimMapping{Roles: "realm_access.roles"}
	h.userinfo = map[string]any{
		"sub": "4711", "name": "Ada of UserInfo", "email": "ada@example.com", "email_verified": "true",
		"realm_access": map[string]any{"roles": []string{"author"}},
	}
	got, err := h.run(t, p, "")
	if err != nil {
		t.Fatal(err)
	}
	if u := got.User; u.Name != "Ada of the token" || u.Email != "ada@example.com" || !u.EmailVerified || strings.Join(u.Roles, " ") != "author" {
		t.Errorf("got %+v", u)
	}
	h.userinfo["sub"] = "4712"
	if _, err := h.run(t, p, ""); !errors.Is(err, ErrUpstreamFailed) {
		t.Errorf("UserInfo about somebody else: %v", err)
	}
}

func TestClaimMapping(t *testing.T) {
	p := Provider{Name: "corp", Issuer: "https://idp.example"}
	for name, c := range map[string]struct {
		mapping ClaimMapping
		claims  string
		want    string // username, name, email, verified, groups, roles, tenant
	}{
		"defaults":             {ClaimMapping{}, `{"sub":"s","preferred_username":"ada","name":"Ada","email":"a@b.c","email_verified":true,"groups":["g"],"roles":["r"]}`, "ada|Ada|a@b.c|true|g||"},
		"own names":            {ClaimMapping{Username: "upn", Name: "display", Email: "mail", Groups: "memberOf", Roles: "app_roles"}, `{"sub":"s","upn":"u","display":"D","mail":"m@x","memberOf":["g","h"],"app_roles":"one"}`, "u|D|m@x|false|g,h|one|"},
		"a name with dots":     {ClaimMapping{Roles: "https://x.example/roles"}, `{"sub":"s","https://x.example/roles":["r"]}`, "|||false||r|"},
		"into objects":         {ClaimMapping{Roles: "a.b"}, `{"sub":"s","a":{"b":["r"]}}`, "|||false||r|"},
		"into nothing":         {ClaimMapping{Roles: "a.b.c"}, `{"sub":"s","a":{"b":["r"]}}`, "|||false|||"},
		"verified but no mail": {ClaimMapping{}, `{"sub":"s","email_verified":true}`, "|||false|||"},
		"control characters":   {ClaimMapping{}, `{"sub":"s","name":"a\u0000b","groups":["a\nb","c"]}`, "|||false|c||"},
		"wrong types":          {ClaimMapping{}, `{"sub":"s","name":7,"email":["x"],"email_verified":1}`, "|||false|||"},
		"roles that are wrong": {ClaimMapping{Roles: "roles"}, `{"sub":"s","roles":[1]}`, "error"},
		"a tenant":             {ClaimMapping{Tenant: "org.id"}, `{"sub":"s","org":{"id":"acme"}}`, "|||false|||acme"},
		"a tenant unasked":     {ClaimMapping{}, `{"sub":"s","tenant":"acme"}`, "|||false|||"},
		"no such tenant":       {ClaimMapping{Tenant: "org"}, `{"sub":"s"}`, "|||false|||"},
		"a tenant of two":      {ClaimMapping{Tenant: "org"}, `{"sub":"s","org":["acme","other"]}`, "error"},
		"a tenant's line":      {ClaimMapping{Tenant: "org"}, `{"sub":"s","org":"a\nb"}`, "error"},
		"no subject":           {ClaimMapping{}, `{"name":"Ada"}`, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := claimSet{}
			if err := json.Unmarshal([]byte(c.claims), &claims); err != nil {
				t.Fatal(err)
			}
			u, err := c.mapping.user(p, claims)
			got := strings.Join([]string{u.Username, u.Name, u.Email, map[bool]string{true: "true", false: "false"}[u.EmailVerified], strings.Join(u.Groups, ","), strings.Join(u.Roles, ","), u.Tenant}, "|")
			if err != nil {
				got = "error"
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
