package check

import (
	"io"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/hack/testenv"
)

// With the rights of ClusterRole clientele-check, and to read the client's Secret,
// every check passes, and none warns.
func TestAnInstallationThatWorksPassesEveryCheck(t *testing.T) {
	w := running(t)
	o := w.check(t, w.caller, "--client", w.ns+"/checkout")
	o.fails(t, 0)
	for _, f := range o.findings {
		if f.Level != ok {
			t.Errorf("%s", f)
		}
	}
	o.has(t, checkAPIServer, ok, "Kubernetes v1.")
	for _, kind := range []string{"authorizationservers", "namespaceaccesses", "oauthclients", "scopepolicies"} {
		o.has(t, checkCRDs, ok, "CRD "+kind+".oauth.clientele.dev", "schema ")
	}
	o.has(t, checkOperator, ok, "Deployment clientele-system/clientele-operator", "1 of 1 Pods ready, image clientele.dev/clientele:0.1.0")
	o.has(t, checkOperator, ok, "Lease clientele-system/clientele-operator", " leads")
	o.has(t, checkRights, ok, "rights of ServiceAccount clientele-system/clientele-operator", "all ")
	o.has(t, checkServers, ok, "AuthorizationServer clientele-system/default", "Ready, issuer "+w.issuer)
	o.has(t, checkPorts, ok, "port of AuthorizationServer clientele-system/default at "+w.issuer)
	o.has(t, checkEndpoints, ok, "certificate of AuthorizationServer clientele-system/default", "for localhost until ")
	o.has(t, checkEndpoints, ok, "endpoints of AuthorizationServer clientele-system/default", "issuer right")
	o.has(t, checkToken, ok, "token for OAuthClient "+w.ns+"/checkout", "of "+w.ns+".checkout for "+w.issuer)
	o.has(t, checkClocks, ok, "clock of AuthorizationServer clientele-system/default")
	o.has(t, checkClocks, ok, "clock of this machine")

	lines := command(t, time.Now, "--kubeconfig", testenv.Kubeconfig(t, w.caller), "--authorization-server", "clientele-system/default")
	if lines.code != 0 || !strings.Contains(lines.out, "\nok   AuthorizationServer clientele-system/default - Ready, issuer "+w.issuer+"\n") {
		t.Errorf("exit code %d: %s%s", lines.code, lines.out, lines.notes)
	}
}

// What is forbidden is a warning that says how to be let in, and never a failure.
func TestWhatIsForbiddenIsAWarning(t *testing.T) {
	w := running(t)
	o := w.check(t, w.person(t, ""), "--client", w.ns+"/checkout")
	o.fails(t, 0)
	for _, check := range []string{checkCRDs, checkOperator, checkRights, checkServers, checkToken} {
		o.has(t, check, warn, "you may not", "; do: kubectl create clusterrolebinding clientele-check --clusterrole=clientele-check --user=")
	}
	o.has(t, checkAPIServer, ok, "Kubernetes v1.")

	// Without a right on Secrets in the client's namespace only the token is missing.
	o = w.check(t, w.person(t, "clientele-check"), "--client", w.ns+"/checkout")
	o.fails(t, 0)
	role := &rbacv1.RoleList{}
	must(t, w.admin.List(t.Context(), role, client.InNamespace(w.ns)))
	if len(role.Items) == 0 {
		t.Error("the role of the test is not there")
	}
}

// --wait goes on until nothing fails, and says what it waits for.
func TestWaitEndsWhenNothingFailsAnyMore(t *testing.T) {
	w := newWorld(t)
	w.startServer(t)
	notes := &firstNote{then: func() { w.startOperator(t) }}
	cmd := Command(Options{Now: time.Now, UserAgent: "test", Version: "0.1.0"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(notes)
	cmd.SetArgs([]string{"--kubeconfig", testenv.Kubeconfig(t, w.caller), "--wait", "1m"})
	must(t, cmd.ExecuteContext(t.Context()))
	if !strings.HasPrefix(notes.text, "waiting: fail Lease clientele-system/clientele-operator - ") {
		t.Errorf("it does not say what it waits for: %q", notes.text)
	}
}

// firstNote does something when the first note is written.
type firstNote struct {
	text string
	then func()
}

func (n *firstNote) Write(p []byte) (int, error) {
	if n.text += string(p); n.then != nil {
		then := n.then
		n.then = nil
		then()
	}
	return len(p), nil
}

// When --wait is over the exit code says so.
func TestWaitIsOver(t *testing.T) {
	w := newWorld(t)
	w.startServer(t)
	began := time.Now()
	calls := 0
	now := func() time.Time { // an hour passes between the first look at the clock and the last
		calls++
		if calls > 1 {
			return began.Add(time.Hour)
		}
		return began
	}
	o := w.checkAt(t, now, w.caller, "--wait", "30m")
	if o.code != exitWait || !strings.Contains(o.notes, "after waiting for 30m") {
		t.Errorf("exit code %d: %s", o.code, o.notes)
	}
}

func TestUsage(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a flag":        {[]string{"--nothing"}, "unknown flag"},
		"an argument":   {[]string{"clientele-system"}, `unknown command "clientele-system"`},
		"an output":     {[]string{"-o", "yaml"}, "want text or json"},
		"a server":      {[]string{"--authorization-server", "default"}, "want namespace/name"},
		"a client":      {[]string{"--client", "a/b/c"}, "want namespace/name"},
		"no kubeconfig": {[]string{"--kubeconfig", "/nowhere"}, "--kubeconfig names a file"},
		"token":         {[]string{"token", "--credentials", "/tmp"}, "want --credentials and --output"},
		"verify":        {[]string{"verify", "--token", "/tmp/x"}, "want --token and --issuer"},
		"verify what":   {[]string{"verify", "x"}, "unknown command"},
	} {
		args := c.args
		if args[0] != "token" && args[0] != "verify" && args[0] != "--kubeconfig" {
			args = append([]string{"--kubeconfig", testenv.Kubeconfig(t, w.caller)}, args...)
		}
		if o := command(t, time.Now, args...); o.code != exitUsage || !strings.Contains(o.notes, c.says) {
			t.Errorf("%s: exit code %d, %q, want 2, %q", name, o.code, o.notes, c.says)
		}
	}
}
