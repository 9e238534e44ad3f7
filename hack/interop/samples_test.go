package interop

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
)

// testdata/samples holds code as a guide to a server such as ours shows it to
// developers: verbatim, but for the indentation of the Python, which its page had
// lost. What it leaves out, and what a developer adds where it says so, are edits.

// edit of a text: what stands there once becomes something else.
type edit struct{ from, to string }

// addedToNode and addedToPython: sessions, a port, and something where the samples
// have the comment "Store tokens securely and create session".
var (
	addedToNode = []edit{
		{"const app = express();", "const app = express();\napp.use(require('express-session')({ secret: 'of a test', resave: false, saveUninitialized: true }));"},
		{"// Store tokens securely and create session", "res.json(tokens);"},
		{"", "const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));\n"},
	}
	addedToPython = []edit{
		{"app = Flask(__name__)", "app = Flask(__name__)\napp.secret_key = secrets.token_hex(16)"},
		{"# Store tokens securely and create session", "return tokens"},
		{"", "from werkzeug.serving import make_server\nserver = make_server('127.0.0.1', 0, app)\nprint(server.port, flush=True)\nserver.serve_forever()\n"},
	}
	pkceInNode = []edit{
		{"req.session.oauthState = state;", "req.session.oauthState = state;\nreq.session.verifier = crypto.randomBytes(32).toString('base64url');"},
		{"state: state", "state: state,\ncode_challenge: crypto.createHash('sha256').update(req.session.verifier).digest('base64url'),\ncode_challenge_method: 'S256'"},
		{"client_secret: process.env.CLIENT_SECRET", "client_secret: process.env.CLIENT_SECRET,\ncode_verifier: req.session.verifier"},
	}
	pkceInPython = []edit{
		{"import os", "import os, base64, hashlib"},
		{"session['oauth_state'] = state", "session['oauth_state'] = state\n    session['verifier'] = secrets.token_urlsafe(48)"},
		{"'state': state", "'state': state,\n        'code_challenge': base64.urlsafe_b64encode(hashlib.sha256(session['verifier'].encode()).digest()).rstrip(b'=').decode(),\n        'code_challenge_method': 'S256'"},
		{"'client_secret': os.environ['CLIENT_SECRET']", "'client_secret': os.environ['CLIENT_SECRET'],\n        'code_verifier': session['verifier']"},
	}
)

// guide is a server as that guide describes it: RS256, tokens of an hour.
type guide struct {
	*authtest.Server
	client authtest.Client
}

const projects = "https://api.example.com"

func newGuide(t *testing.T, pkceOptional bool) *guide {
	t.Helper()
	startChromium(t)
	s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{
		DefaultResource: projects, Algorithm: keys.RS256, AccessTokenLifetime: time.Hour,
		Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen},
	}})
	s.Signing = authtest.SigningKeys(t, s.Clock.Now(), keys.RS256)
	s.Reload(t)
	s.SetUsers(t, authtest.Person{Username: ada})
	p := authtest.Policy("projects", projects, "read:projects", "write:projects", "admin:read", "posts.read", "posts.compose")
	everybody := p.Allow[0]
	everybody.SelfRegistered = true
	p.Allow = append(p.Allow, everybody)
	s.MustPutPolicy(t, p)
	g := &guide{Server: s}
	g.client = s.MustRegister(t, authtest.NewClient("sample", actsForPeople(appURL+"/callback", func(r *oauth.Registration) {
		r.Scope, r.Managed.Resources = "read:projects write:projects admin:read", []string{projects}
		r.GrantTypes = append(r.GrantTypes, oauth.GrantClientCredentials)
		r.TokenEndpointAuthMethod = oauth.AuthClientSecretPost
		r.Managed.PKCEOptional = pkceOptional
	})))
	return g
}

// sample reads a sample, with the two hosts changed, and edits it.
func (g *guide) sample(t *testing.T, name string, edits ...edit) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/samples", name))
	must(t, err)
	code := strings.NewReplacer("https://auth.example.com", g.Issuer, "https://yourapp.com", appURL).Replace(string(b))
	for _, e := range edits {
		if e.from == "" {
			code += "\n" + e.to
			continue
		}
		if n := strings.Count(code, e.from); n != 1 {
			t.Fatalf("%s has %q %d times, want once", name, e.from, n)
		}
		code = strings.Replace(code, e.from, e.to, 1)
	}
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, []byte(code), 0o600))
	return file
}

// run starts a sample, which prints its port, as https://app.example.
func (g *guide) run(t *testing.T, name string, arg ...string) {
	t.Helper()
	cmd := exec.Command(name, arg...)
	cmd.Env = append(os.Environ(), "CLIENT_ID="+g.client.Registration.ClientID, "CLIENT_SECRET="+g.client.Secret.Reveal())
	cmd.Stderr = testLog{t}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var port int
	lines := bufio.NewReader(out)
	if _, err := fmt.Fscanln(lines, &port); err != nil {
		t.Fatalf("the sample did not start: %v", err)
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // it ends with the process
	chromium.gateway.serve(t, appHost, forward(t, fmt.Sprintf("http://127.0.0.1:%d", port)))
}

func (g *guide) runNode(t *testing.T, edits ...edit) {
	t.Helper()
	file := g.sample(t, "node.js", append(edits, addedToNode...)...)
	modules, err := nodeModules()
	must(t, err)
	must(t, os.Symlink(modules, filepath.Join(filepath.Dir(file), "node_modules")))
	g.run(t, node(t), file)
}

func (g *guide) runPython(t *testing.T, edits ...edit) {
	t.Helper()
	g.run(t, python(t), g.sample(t, "python.py", append(edits, addedToPython...)...))
}

// testLog is what a program writes, in the log of the test.
type testLog struct{ t testing.TB }

// Write implements io.Writer.
func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// TestSamplesAsTheyStand: a developer copies them and changes the URLs. They send no
// PKCE, which is the platform team's to permit.
func TestSamplesAsTheyStand(t *testing.T) {
	g := newGuide(t, true)
	t.Run("node", func(t *testing.T) { g.runNode(t); g.signsIn(t) })
	t.Run("python", func(t *testing.T) { g.runPython(t); g.signsIn(t) })
}

func TestSamplesWithPKCE(t *testing.T) {
	g := newGuide(t, false)
	t.Run("node", func(t *testing.T) { g.runNode(t, pkceInNode...); g.signsIn(t) })
	t.Run("python", func(t *testing.T) { g.runPython(t, pkceInPython...); g.signsIn(t) })
	t.Run("without it", func(t *testing.T) {
		g.runNode(t)
		b := newTab(t)
		b.watch.allow("favicon.ico")
		b.open(appURL + "/login")
		b.until("location.search.includes('error=invalid_request') && document.body.innerText.includes('invalid_grant')")
	})
}

// tokens as the guide says they look.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string
	Error        string
}

// signsIn goes through the sample that runs, and then does by curl what else the
// guide says.
func (g *guide) signsIn(t *testing.T) {
	t.Helper()
	b := newTab(t)
	b.watch.allow("favicon.ico") // the samples have none
	b.open(appURL + "/login")
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.until("document.body.innerText.includes('access_token') || document.querySelector('button[value=allow]')")
	if value[bool](b, "!document.body.innerText.includes('access_token')") {
		b.allows()
	}
	b.until("document.body.innerText.includes('access_token')")
	var got tokens
	must(t, json.Unmarshal([]byte(b.text("pre")), &got))
	if got.TokenType != "Bearer" || got.ExpiresIn != 3600 || got.Scope != "read:projects write:projects" || got.RefreshToken == "" {
		t.Fatalf("the sample got %+v", got)
	}
	g.verify(t, got.AccessToken)
	if a := g.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+got.AccessToken); a.Status != http.StatusForbidden {
		t.Errorf("userinfo without openid: %d %s", a.Status, a.Body)
	}
	g.refreshAndRevoke(t, got)
}

// verify holds a token against what the guide says that APIs check.
func (g *guide) verify(t *testing.T, token string) {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(strings.SplitN(token, ".", 2)[0])
	if err != nil || !strings.Contains(string(header), `"alg":"RS256"`) {
		t.Errorf("header %s %v", header, err)
	}
	payload, err := oidc.NewRemoteKeySet(t.Context(), g.Issuer+"/.well-known/jwks.json").VerifySignature(t.Context(), token)
	must(t, err)
	var claims map[string]any
	must(t, json.Unmarshal(payload, &claims))
	for name, want := range map[string]any{
		"iss": g.Issuer, "sub": "user/ada", "aud": projects, "scope": "read:projects write:projects", "client_id": g.client.Registration.ClientID,
	} {
		if claims[name] != want {
			t.Errorf("%s is %v, want %v", name, claims[name], want)
		}
	}
}
