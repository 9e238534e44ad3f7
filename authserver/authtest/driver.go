package authtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// Answer is an HTTP answer that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// JSON of the body as a map; nil if it is none.
func (a Answer) JSON() map[string]any {
	var m map[string]any
	if json.Unmarshal([]byte(a.Body), &m) != nil {
		return nil
	}
	return m
}

// Member of the JSON body as a string; "" if it is none.
func (a Answer) Member(name string) string {
	s, _ := a.JSON()[name].(string)
	return s
}

// Error code of the answer.
func (a Answer) Error() string { return a.Member("error") }

// Do sends a request. body may be "". What only registrars call goes to RegistrarURL, and
// so does POST /oauth/register with RegistrarToken.
func (s *Server) Do(t testing.TB, method, path, body string, header ...string) Answer {
	t.Helper()
	at := s.URL
	if strings.HasPrefix(path, "/registrar/") || strings.HasPrefix(path, "/oauth/register") && slices.Contains(header, "Bearer "+RegistrarToken) {
		at = cmp.Or(s.RegistrarURL, s.URL)
	}
	return s.DoAt(t, at, method, path, body, header...)
}

// DoAt sends a request to one of the server's URLs.
func (s *Server) DoAt(t testing.TB, at, method, path, body string, header ...string) Answer {
	t.Helper()
	r, err := http.NewRequest(method, at+path, strings.NewReader(body))
	must(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return s.Send(t, r)
}

// Send sends a request as it is.
func (s *Server) Send(t testing.TB, r *http.Request) Answer {
	t.Helper()
	by := s.transport
	if by == nil { // a server that the test started itself
		by = http.DefaultTransport.(*http.Transport)
	}
	response, err := by.RoundTrip(r)
	must(t, err)
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}
}

// Client is a registered client and its secret.
type Client struct {
	Registration oauth.Registration
	Secret       credential.Secret
	// Token is the registration access token.
	Token credential.Secret
}

// NewClient describes a client of namespace "apps" that is registered nowhere yet.
func NewClient(name string, change ...func(*oauth.Registration)) Client {
	c := Client{Secret: credential.NewClientSecret(), Token: credential.NewRegistrationToken()}
	c.Registration = oauth.Registration{
		ClientID:                "apps." + name,
		GrantTypes:              []oauth.GrantType{oauth.GrantClientCredentials},
		TokenEndpointAuthMethod: oauth.AuthClientSecretBasic,
		Managed: &oauth.Managed{
			Owner:                 oauth.Owner{Namespace: "apps", Name: name, UID: "uid-" + name},
			Counter:               1,
			Generation:            1,
			SecretHashes:          []string{credential.Hash(c.Secret.Reveal())},
			RegistrationTokenHash: credential.Hash(c.Token.Reveal()),
		},
	}
	for _, f := range change {
		f(&c.Registration)
	}
	return c
}

// Register sends a registration as a registrar.
func (s *Server) Register(t testing.TB, r oauth.Registration) Answer {
	t.Helper()
	return s.SendJSON(t, http.MethodPost, "/oauth/register", RegistrarToken, r)
}

// MustRegister registers and fails the test if that is refused.
func (s *Server) MustRegister(t testing.TB, c Client) Client {
	t.Helper()
	if a := s.Register(t, c.Registration); a.Status != http.StatusCreated && a.Status != http.StatusOK {
		t.Fatalf("register %s: %d %s", c.Registration.ClientID, a.Status, a.Body)
	}
	return c
}

// SendJSON sends v with a bearer token.
func (s *Server) SendJSON(t testing.TB, method, path, token string, v any) Answer {
	t.Helper()
	body, err := json.Marshal(v)
	must(t, err)
	return s.SendText(t, method, path, token, string(body))
}

// SendText sends JSON text with a bearer token; token "" sends none.
func (s *Server) SendText(t testing.TB, method, path, token, body string) Answer {
	t.Helper()
	header := []string{"Content-Type", "application/json"}
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return s.Do(t, method, path, body, header...)
}

// Policy declares scopes for a resource and allows them to every client.
func Policy(uid, resource string, scopes ...string) policy.Policy {
	p := policy.Policy{UID: uid, Namespace: "apis", Name: uid, Created: 1, Generation: 1, Resource: resource}
	for _, name := range scopes {
		p.Scopes = append(p.Scopes, policy.Scope{Name: name})
	}
	p.Allow = []policy.Rule{{Scopes: scopes}}
	return p
}

// MustPutPolicy puts a policy into force.
func (s *Server) MustPutPolicy(t testing.TB, p policy.Policy) {
	t.Helper()
	if a := s.SendJSON(t, http.MethodPut, "/registrar/v1/resources/"+p.UID, RegistrarToken, p); a.Status != http.StatusOK {
		t.Fatalf("put policy %s: %d %s", p.UID, a.Status, a.Body)
	}
}

// Token asks for a token, with client_credentials unless the form has another
// grant_type, authenticated as the client registered. form holds names and values
// by turns.
func (s *Server) Token(t testing.TB, c Client, form ...string) Answer {
	t.Helper()
	return s.Send(t, s.TokenRequest(t, c, form...))
}

// TokenRequest is the request that Token sends.
func (s *Server) TokenRequest(t testing.TB, c Client, form ...string) *http.Request {
	t.Helper()
	values := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i+1 < len(form); i += 2 {
		if form[i] == "grant_type" {
			values.Del(form[i])
		}
		values.Add(form[i], form[i+1])
	}
	public := c.Registration.TokenEndpointAuthMethod == oauth.AuthNone
	if public && !values.Has("client_id") {
		values.Set("client_id", c.Registration.ClientID)
	}
	post := c.Registration.TokenEndpointAuthMethod == oauth.AuthClientSecretPost
	if post {
		values.Set("client_id", c.Registration.ClientID)
		values.Set("client_secret", c.Secret.Reveal())
	}
	r, err := http.NewRequest(http.MethodPost, s.URL+"/oauth/token", bytes.NewReader([]byte(values.Encode())))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !post && !public {
		r.SetBasicAuth(url.QueryEscape(c.Registration.ClientID), url.QueryEscape(c.Secret.Reveal()))
	}
	return r
}

// MustToken returns an access token.
func (s *Server) MustToken(t testing.TB, c Client, form ...string) string {
	t.Helper()
	a := s.Token(t, c, form...)
	if a.Status != http.StatusOK {
		t.Fatalf("token for %s: %d %s", c.Registration.ClientID, a.Status, a.Body)
	}
	return a.Member("access_token")
}
