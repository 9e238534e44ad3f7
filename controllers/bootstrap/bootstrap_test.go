package bootstrap

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// output that is read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// file is what the chart writes: a server and what all namespaces may have.
func file(t *testing.T, namespace string, replace ...string) string {
	t.Helper()
	text := strings.NewReplacer(append([]string{"NAMESPACE", namespace}, replace...)...).Replace(`
apiVersion: oauth.clientele.dev/v1alpha1
kind: AuthorizationServer
metadata: {name: default, namespace: NAMESPACE}
spec:
  issuer: https://clientele-default.NAMESPACE.svc
  type: Managed
  managed: {storage: {type: Embedded}}
  tokens: {accessTokenLifetime: 10m}
---
apiVersion: oauth.clientele.dev/v1alpha1
kind: NamespaceAccess
metadata: {name: default, namespace: NAMESPACE}
spec:
  serverRef: {name: default}
  namespaces: {from: All}
  clients: {redirectHosts: ["*"]}
`)
	path := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the command as the Job does.
func start(t *testing.T, args ...string) (out *output, ended <-chan error) {
	t.Helper()
	out = &output{}
	cmd := Command(Options{UserAgent: "test"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(out)
	cmd.SetArgs(append(args, "--kubeconfig="+testenv.Kubeconfig(t, testenv.Config())))
	done := make(chan error, 1)
	go func() { done <- cmd.ExecuteContext(t.Context()) }()
	return out, done
}

func prints(t *testing.T, out *output, what string) {
	t.Helper()
	testenv.Eventually(t, "it prints "+what, func() bool { return strings.Contains(out.String(), what) })
}

// ready plays the operator, which runs an image; "" if none is to be told.
func ready(t *testing.T, c client.Client, o client.Object, image string) {
	t.Helper()
	observed(t, c, o, metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Accepted"}, image)
}

// observed writes the status of an object as it is now.
func observed(t *testing.T, c client.Client, o client.Object, condition metav1.Condition, image string) {
	t.Helper()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Fatal(err)
	}
	condition.LastTransitionTime = metav1.Now()
	conditions := []metav1.Condition{condition}
	switch o := o.(type) {
	case *v1alpha1.AuthorizationServer:
		o.Status.ObservedGeneration, o.Status.Conditions = o.Generation, conditions
		if image != "" {
			o.Status.Managed = &v1alpha1.ManagedServerStatus{Image: image}
		}
	case *v1alpha1.NamespaceAccess:
		o.Status.ObservedGeneration, o.Status.Conditions = o.Generation, conditions
	}
	if err := c.Status().Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func objects(namespace string) (*v1alpha1.AuthorizationServer, *v1alpha1.NamespaceAccess) {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "default"}
	return &v1alpha1.AuthorizationServer{ObjectMeta: meta}, &v1alpha1.NamespaceAccess{ObjectMeta: meta}
}

func TestItAppliesAndWaitsUntilReady(t *testing.T) {
	ns := testenv.Namespace(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	out, ended := start(t, "--file="+file(t, ns), "--image=clientele:2")
	prints(t, out, "the operator has not seen this version of it")
	as, access := objects(ns)
	ready(t, c, access, "")
	ready(t, c, as, "clientele:1")
	prints(t, out, "yet to roll its servers to image clientele:2 (they run clientele:1)")
	ready(t, c, as, "clientele:2")
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range []string{"AuthorizationServer " + ns + "/default: Ready\n", "NamespaceAccess " + ns + "/default: Ready\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("it printed %q, want %q in it", out, line)
		}
	}
	if got := as.Spec.Tokens.AccessTokenLifetime.Duration; got != 10*time.Minute {
		t.Errorf("the server's tokens live %v", got)
	}
}

// What was Ready once is not enough after an upgrade that changes the spec.
func TestAnUpgradeWaitsForTheNewVersion(t *testing.T) {
	ns := testenv.Namespace(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	as, access := objects(ns)
	out, ended := start(t, "--file="+file(t, ns))
	prints(t, out, "waiting")
	ready(t, c, as, "")
	ready(t, c, access, "")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	out, ended = start(t, "--file="+file(t, ns, "10m", "20m"))
	prints(t, out, "AuthorizationServer "+ns+"/default: waiting: the operator has not seen this version of it")
	ready(t, c, as, "")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestItFailsByName(t *testing.T) {
	applied := func(t *testing.T, c client.Client, ns string) *v1alpha1.AuthorizationServer {
		t.Helper()
		out, ended := start(t, "--file="+file(t, ns))
		prints(t, out, "waiting")
		as, access := objects(ns)
		ready(t, c, access, "")
		ready(t, c, as, "")
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		return as
	}
	before := func(t *testing.T, c client.Client, ns string) { t.Helper(); applied(t, c, ns) }
	edited := func(t *testing.T, c client.Client, ns string) {
		t.Helper()
		as := applied(t, c, ns)
		as.Spec.Tokens.AccessTokenLifetime.Duration = 5 * time.Minute
		if err := c.Update(t.Context(), as, client.FieldOwner("kubectl-edit")); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name    string
		before  func(*testing.T, client.Client, string)
		replace []string
		want    []string
	}{
		{"a field edited by hand", edited, nil, []string{"AuthorizationServer", "spec.tokens.accessTokenLifetime", `"kubectl-edit"`, "set it in the chart's values"}},
		{"a field that the edit left alone", edited, []string{"Embedded}", "Embedded, embedded: {volumeClaim: {size: 2Gi}}}"}, []string{"spec.tokens.accessTokenLifetime"}},
		{"a new issuer", before, []string{"https://clientele-default", "https://other"}, []string{"issuer is immutable"}},
		{"a field that there is not", nil, []string{"tokens:", "tokns:"}, []string{"AuthorizationServer", "tokns"}},
		{"a value that is refused", nil, []string{"10m", "10d"}, []string{"accessTokenLifetime must be a duration"}},
		{"a namespace that there is not", nil, []string{"name: default, namespace: ", "name: default, namespace: no-"}, []string{"namespaces", "not found", "make the namespace first"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ns := testenv.Namespace(t)
			if tc.before != nil {
				tc.before(t, testenv.Client(t, v1alpha1.AddToScheme), ns)
			}
			out, ended := start(t, "--file="+file(t, ns, tc.replace...))
			err := <-ended
			if strings.Contains(out.String(), "not applied yet") {
				t.Errorf("it tried again, though that cannot help: %s", out)
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestItSaysWhyItIsNotReadyInTime(t *testing.T) {
	ns := testenv.Namespace(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	applied, err := read(file(t, ns))
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	ctx, late := context.WithCancel(t.Context())
	defer late()
	ended := make(chan error, 1)
	go func() { ended <- worker{client: c, out: out, every: 10 * time.Millisecond}.run(ctx, applied) }()
	prints(t, out, "waiting")
	as, _ := objects(ns)
	observed(t, c, as, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Unschedulable", Message: "no node has room for the server's Pod",
	}, "")
	prints(t, out, "no node has room")
	late()
	want := "AuthorizationServer " + ns + "/default is not Ready in time: Unschedulable: no node has room for the server's Pod"
	if err := <-ended; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestItGivesUpAfterTheTimeout(t *testing.T) {
	ns := testenv.Namespace(t)
	_, ended := start(t, "--file="+file(t, ns), "--timeout=1s")
	if err := <-ended; err == nil {
		t.Error("it waited for an object that no operator has seen, and ended without error")
	}
}

// `clientele server` can be started only once its object is there.
func TestAnUnmanagedServerIsNotWaitedFor(t *testing.T) {
	ns := testenv.Namespace(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	out, ended := start(t, "--file="+file(t, ns, "type: Managed\n  managed: {storage: {type: Embedded}}", "type: Unmanaged\n  unmanaged: {}"))
	prints(t, out, "NamespaceAccess "+ns+"/default: waiting")
	_, access := objects(ns)
	ready(t, c, access, "")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	prints(t, out, "AuthorizationServer "+ns+"/default: not waited for")
}

func TestJudge(t *testing.T) {
	condition := func(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
	}
	isReady := condition("Ready", metav1.ConditionTrue, "Accepted", "")
	for _, tc := range []struct {
		name       string
		observed   int64
		conditions []metav1.Condition
		deleted    bool
		want       string
	}{
		{"never seen", -1, nil, false, "the operator has not seen this version"},
		{"seen earlier", 1, []metav1.Condition{isReady}, false, "the operator has not seen this version"},
		{"no condition", 2, nil, false, "no condition Ready"},
		{"ready", 2, []metav1.Condition{isReady}, false, ""},
		{"rolling", 2, []metav1.Condition{isReady, condition("Reconciling", metav1.ConditionTrue, "Progressing", "1 of 2 servers is replaced")}, false, "1 of 2 servers is replaced"},
		{"reconciled", 2, []metav1.Condition{isReady, condition("Reconciling", metav1.ConditionFalse, "Progressing", "")}, false, ""},
		{"being deleted", 2, []metav1.Condition{isReady}, true, "being deleted"},
		{"more than one reason", 2, []metav1.Condition{
			condition("Ready", metav1.ConditionFalse, "SecretMissing", "no Secret pg-app"),
			condition("StorageReady", metav1.ConditionFalse, "SecretMissing", "no Secret pg-app"),
			condition("CertificateReady", metav1.ConditionFalse, "NameMismatch", "not for this host"),
			condition("UsersReady", metav1.ConditionTrue, "Loaded", "all well"),
		}, false, "SecretMissing: no Secret pg-app; CertificateReady: NameMismatch: not for this host"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Generation: 2}}
			as.Status.ObservedGeneration, as.Status.Conditions = tc.observed, tc.conditions
			if tc.deleted {
				as.DeletionTimestamp = new(metav1.Now())
			}
			got, err := worker{}.judge(unstructuredOf(t, as))
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("judged %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	for _, tc := range []struct{ name, path, want string }{
		{"no file", "", "--file is missing"},
		{"missing", filepath.Join(t.TempDir(), "none.yaml"), "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := flags{file: tc.path, timeout: time.Second}
			if err := f.run(context.Background(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is %v, want %q", err, tc.want)
			}
		})
	}
}

func unstructuredOf(t *testing.T, o client.Object) *unstructured.Unstructured {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}
