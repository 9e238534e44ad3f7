package interop

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// TestStrictClients: openid-client and oauth4webapi check every answer, and refuse
// what others let pass.
func TestStrictClients(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{
		DefaultResource: orders, Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen},
	}})
	s.Signing = authtest.SigningKeys(t, s.Clock.Now(), keys.ES256, keys.RS256)
	s.Reload(t)
	s.SetUsers(t, authtest.Person{Username: ada})
	p := authtest.Policy("orders", orders, "orders:read", "orders:write", "invoices:read")
	p.Allow = append(p.Allow, policy.Rule{SelfRegistered: true, Scopes: p.Allow[0].Scopes})
	s.MustPutPolicy(t, p)
	s.MustPutPolicy(t, authtest.Policy("billing", billing, "bills:pay"))
	for _, method := range []oauth.AuthMethod{oauth.AuthClientSecretBasic, oauth.AuthClientSecretPost, oauth.AuthNone} {
		c := authtest.NewClient("strict-"+strings.ReplaceAll(string(method), "_", "-"), actsForPeople(appURL+"/callback", forBillingToo))
		if method == oauth.AuthNone {
			authtest.Public(&c.Registration)
		}
		c.Registration.TokenEndpointAuthMethod = method
		s.MustRegister(t, c)
		for _, script := range []string{"openid-client", "oauth4webapi"} {
			t.Run(fmt.Sprintf("%s, %s", script, method), func(t *testing.T) { runStrict(t, s, c, script+".mjs") })
		}
	}
}

// runStrict runs a script and is the person that it asks.
func runStrict(t *testing.T, s *authtest.Server, c authtest.Client, script string) {
	t.Helper()
	modules, err := nodeModules()
	must(t, err)
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/strict")))
	must(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node(t), script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ISSUER="+s.Issuer, "REDIRECT="+appURL+"/callback", "RESOURCE="+orders, "OTHER="+billing,
		"CLIENT_ID="+c.Registration.ClientID, "CLIENT_SECRET="+c.Secret.Reveal(), "METHOD="+string(c.Registration.TokenEndpointAuthMethod))
	cmd.Stderr = testLog{t}
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		address, ok := strings.CutPrefix(lines.Text(), "open ")
		if !ok {
			t.Log(lines.Text())
			continue
		}
		b := s.NewBrowser(t)
		_, _ = fmt.Fprintln(in, b.Complete(t, b.Get(t, address), ada).URL)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s: %v", script, err)
	}
}
