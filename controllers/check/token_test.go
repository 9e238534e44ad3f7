package check

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
)

// Why an app gets no token.
func TestAClientThatGetsNoToken(t *testing.T) {
	w := running(t)
	what := "token for OAuthClient " + w.ns + "/"
	describe := "do: kubectl -n " + w.ns + " describe oauthclient "
	o := w.check(t, w.caller, "--client", w.ns+"/nobody")
	o.fails(t, exitFailed, checkToken)
	o.has(t, checkToken, fail, what+"nobody - there is no such OAuthClient; do: kubectl -n "+w.ns+" get oauthclients")

	disabled := &v1alpha1.OAuthClient{ObjectMeta: in(w.ns, "off"), Spec: v1alpha1.OAuthClientSpec{Disabled: true}}
	w.create(t, disabled)
	w.await(t, disabled, v1alpha1.ReasonDisabled)
	o = w.check(t, w.caller, "--client", w.ns+"/off")
	o.fails(t, exitFailed, checkToken)
	o.has(t, checkToken, fail, what+"off - it is not registered: Disabled: ", describe+"off")

	people := &v1alpha1.OAuthClient{ObjectMeta: in(w.ns, "people"), Spec: v1alpha1.OAuthClientSpec{
		GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode}, RedirectURIs: []string{"https://app.example/callback"},
	}}
	w.create(t, people)
	w.await(t, people, v1alpha1.ReasonAccepted)
	o = w.check(t, w.caller, "--client", w.ns+"/people")
	o.fails(t, 0)
	o.has(t, checkToken, warn, what+"people - its grantTypes have no client_credentials", describe+"people")

	// A client whose Secret is not the server's any more; the operator would put it back.
	k, err := newChecker(Options{Now: time.Now}, flags{output: "text", kubeconfig: testenv.Kubeconfig(t, w.caller), namespace: system, operator: "clientele-operator"})
	must(t, err)
	must(t, k.checkAPIServer(t.Context()))
	k.checkServers(t.Context())
	k.checkPorts(t.Context())
	k.checkEndpoints(t.Context())
	s := k.servers[0]
	k.tryToken(t.Context(), s, credentials{w.ns + ".checkout", "wrong", s.metadata.TokenEndpoint}, what+"checkout", describe+"checkout")
	o = outcome{findings: k.Findings}
	o.has(t, checkToken, fail, what+"checkout - POST "+w.issuer+"/oauth/token answers 401 invalid_client", "the Secret is not what the server knows", describe+"checkout")
}

func TestATokenThatAResourceServerRefuses(t *testing.T) {
	w := running(t)
	dir := w.mounted(t)
	file := filepath.Join(t.TempDir(), "token")
	ca := filepath.Join(dir, "ca.crt")
	o := command(t, time.Now, "token", "--credentials", dir, "--output", file, "--wait", "0s")
	if o.code != 0 || !strings.HasPrefix(o.out, "ok   token - of client "+w.ns+".checkout at "+w.issuer+"/oauth/token\n") {
		t.Fatalf("exit code %d: %s%s", o.code, o.out, o.notes)
	}
	token, err := os.ReadFile(file)
	must(t, err)
	secret, err := os.ReadFile(filepath.Join(dir, "client_secret"))
	must(t, err)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the token: %v %v", info.Mode(), err)
	}
	verify := func(now func() time.Time, args ...string) outcome {
		t.Helper()
		o := command(t, now, append([]string{"verify", "--token", file, "--wait", "0s"}, args...)...)
		for _, s := range []string{string(token), string(secret)} {
			if strings.Contains(o.out+o.notes, s) {
				t.Error("a secret is shown")
			}
		}
		return o
	}
	if o := verify(time.Now, "--issuer", w.issuer, "--ca", ca); o.code != 0 || !strings.HasPrefix(o.out, "ok   token - of "+w.ns+".checkout for "+w.issuer+", until ") {
		t.Errorf("exit code %d: %s%s", o.code, o.out, o.notes)
	}
	tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
	parts := strings.Split(string(token), ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), "checkout", "director", 1)))
	for name, c := range map[string]struct {
		token string
		now   func() time.Time
		args  []string
		says  string
	}{
		"expired":        {string(token), tomorrow, []string{"--issuer", w.issuer, "--ca", ca}, "token is expired"},
		"forged":         {strings.Join(parts, "."), time.Now, []string{"--issuer", w.issuer, "--ca", ca}, "failed to verify signature"},
		"no token":       {"hello", time.Now, []string{"--issuer", w.issuer, "--ca", ca}, "malformed jwt"},
		"another issuer": {string(token), time.Now, []string{"--issuer", strings.Replace(w.issuer, "localhost", "127.0.0.1", 1), "--ca", ca}, "certificate"},
		"no CA":          {string(token), time.Now, []string{"--issuer", w.issuer}, "certificate signed by unknown authority"},
		"no such CA":     {string(token), time.Now, []string{"--issuer", w.issuer, "--ca", "/nowhere"}, "certificate signed by unknown authority"},
		"an empty CA":    {string(token), time.Now, []string{"--issuer", w.issuer, "--ca", file}, "holds no PEM certificate"},
	} {
		must(t, os.WriteFile(file, []byte(c.token), 0o600))
		if o := verify(c.now, c.args...); o.code != exitFailed || !strings.Contains(o.notes, c.says) {
			t.Errorf("%s: exit code %d, %q, want 1, %q", name, o.code, o.notes, c.says)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "client_secret"), []byte("wrong-secret"), 0o600))
	o = command(t, time.Now, "token", "--credentials", dir, "--output", file, "--ca", ca, "--wait", "0s")
	if o.code != exitFailed || !strings.Contains(o.notes, "answers 401 invalid_client") || strings.Contains(o.notes, "wrong-secret") {
		t.Errorf("exit code %d: %s", o.code, o.notes)
	}
}

// A Pod that starts before its server tries again.
func TestATokenIsTriedAgain(t *testing.T) {
	w := running(t)
	dir := w.mounted(t)
	good, err := os.ReadFile(filepath.Join(dir, "client_id"))
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "client_id")))
	looked := 0
	now := func() time.Time {
		if looked++; looked == 2 { // after the first try
			must(t, os.WriteFile(filepath.Join(dir, "client_id"), good, 0o600))
		}
		return time.Now()
	}
	if o := command(t, now, "token", "--credentials", dir, "--output", filepath.Join(t.TempDir(), "token")); o.code != 0 {
		t.Errorf("exit code %d: %s", o.code, o.notes)
	}
}

// mounted is the credentials Secret as a Pod sees it, with the CA.
func (w *world) mounted(t *testing.T) string {
	t.Helper()
	secret := &corev1.Secret{}
	must(t, w.admin.Get(t.Context(), client.ObjectKey{Namespace: w.ns, Name: "checkout-oauth"}, secret))
	dir := t.TempDir()
	for key, value := range secret.Data {
		must(t, os.WriteFile(filepath.Join(dir, key), value, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, "ca.crt"), w.ca.pem, 0o600))
	return dir
}
