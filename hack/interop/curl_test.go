package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// curl runs one of the command lines of a file in testdata/samples, by the comment
// before it; replace holds what stands there and what stands for it, by turns.
func curl(t *testing.T, file, line string, into any, replace ...string) {
	t.Helper()
	program(t, "curl")
	b, err := os.ReadFile("testdata/samples/" + file)
	must(t, err)
	_, command, ok := strings.Cut("\n"+string(b), "\n# "+line+"\n")
	if !ok {
		t.Fatalf("%s has no line %q", file, line)
	}
	command, _, _ = strings.Cut(command, "\n\n")
	cmd := exec.Command("/bin/sh", "-c", strings.NewReplacer(replace...).Replace(command))
	cmd.Env = append(os.Environ(), "NO_PROXY=*")
	out, err := cmd.Output()
	must(t, err)
	if into == nil {
		if len(out) > 0 {
			t.Errorf("%s: %s", line, out)
		}
		return
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// curl with the guide's placeholders.
func (g *guide) curl(t *testing.T, line string, into any, replace ...string) {
	t.Helper()
	curl(t, "guide.sh", line, into, append(replace, "https://auth.example.com", g.Issuer, "https://yourapp.com", appURL,
		"YOUR_CLIENT_ID", g.client.Registration.ClientID, "YOUR_CLIENT_SECRET", g.client.Secret.Reveal())...)
}

// refreshAndRevoke: a refresh token is rotated, and revoking the new one ends all.
func (g *guide) refreshAndRevoke(t *testing.T, had tokens) {
	t.Helper()
	var next, after tokens
	g.curl(t, "refresh", &next, "YOUR_REFRESH_TOKEN", had.RefreshToken)
	if next.AccessToken == "" || next.RefreshToken == "" || next.RefreshToken == had.RefreshToken || next.ExpiresIn != 3600 {
		t.Fatalf("refresh: %+v", next)
	}
	g.curl(t, "revoke", nil, "TOKEN_TO_REVOKE", next.RefreshToken)
	g.curl(t, "refresh", &after, "YOUR_REFRESH_TOKEN", next.RefreshToken)
	if after.Error != "invalid_grant" {
		t.Errorf("refresh after the revocation: %+v", after)
	}
}

// TestCurlLinesOfTheGuide are those of the authentication guide.
func TestCurlLinesOfTheGuide(t *testing.T) {
	g := newGuide(t, true)
	var machine, person tokens
	g.curl(t, "client credentials", &machine)
	if machine.AccessToken == "" || machine.RefreshToken != "" || machine.Scope != "admin:read" || machine.ExpiresIn != 3600 {
		t.Errorf("client credentials: %+v", machine)
	}
	b := g.NewBrowser(t)
	code := g.Code(t, b, g.client, ada, "redirect_uri", appURL+"/callback", "scope", "read:projects write:projects", "code_challenge", "", "code_challenge_method", "")
	g.curl(t, "exchange", &person, "AUTH_CODE", code)
	if person.RefreshToken == "" || person.Scope != "read:projects write:projects" {
		t.Fatalf("exchange: %+v", person)
	}
	g.refreshAndRevoke(t, person)
	public := g.MustRegister(t, authtest.NewClient("mobile", actsForPeople(appURL+"/callback", authtest.Public, func(r *oauth.Registration) {
		r.Scope, r.Managed.Resources = "read:projects", []string{projects}
	})))
	code = g.Code(t, b, public, ada, "redirect_uri", appURL+"/callback", "scope", "read:projects")
	person = tokens{}
	g.curl(t, "exchange with PKCE", &person, "AUTH_CODE", code, "ORIGINAL_CODE_VERIFIER", authtest.Verifier, "YOUR_CLIENT_ID", public.Registration.ClientID)
	if person.AccessToken == "" || person.Scope != "read:projects" {
		t.Errorf("exchange with PKCE: %+v", person)
	}
}

// TestCurlLinesOfConnectAnApp are those of a guide for apps that register
// themselves.
func TestCurlLinesOfConnectAnApp(t *testing.T) {
	g := newGuide(t, false)
	host := []string{"https://api.skedcast.com", g.Issuer}
	var metadata struct {
		Issuer   string
		Register string `json:"registration_endpoint"`
	}
	curl(t, "connect.sh", "discover", &metadata, host...)
	if metadata.Issuer != g.Issuer || metadata.Register != g.Issuer+"/oauth/register" {
		t.Errorf("metadata %+v", metadata)
	}
	var registered struct {
		ID    string `json:"client_id"`
		Token string `json:"registration_access_token"`
	}
	curl(t, "connect.sh", "register", &registered, host...)
	c := authtest.Client{Registration: oauth.Registration{ClientID: registered.ID}}
	code := g.Code(t, g.NewBrowser(t), c, ada, "redirect_uri", "https://myapp.com/oauth/callback", "scope", "posts.read posts.compose")
	var got, next, after tokens
	curl(t, "connect.sh", "exchange", &got, append(host, "<authorization_code>", code, "f47ac10b-…", registered.ID, "<codeVerifier>", authtest.Verifier)...)
	if got.RefreshToken == "" || got.Scope != "posts.read posts.compose" {
		t.Fatalf("exchange: %+v", got)
	}
	curl(t, "connect.sh", "refresh", &next, append(host, "eyJ…", got.RefreshToken)...)
	if next.RefreshToken == "" || next.RefreshToken == got.RefreshToken {
		t.Fatalf("refresh: %+v", next)
	}
	curl(t, "connect.sh", "revoke", nil, append(host, "eyJ…", next.RefreshToken)...)
	curl(t, "connect.sh", "refresh", &after, append(host, "eyJ…", next.RefreshToken)...)
	if after.Error != "invalid_grant" {
		t.Errorf("refresh after the revocation: %+v", after)
	}
}
