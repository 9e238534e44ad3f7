package helm

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// program builds clientele, once per test run.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clientele")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = "../.."
	// As make builds it, so that everything is compiled already.
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build clientele: %v\n%s", err, out)
	}
	return path
}

// The bootstrap Job gets on with the rights that the chart gives it, and has no others.
func TestTheRightsOfTheBootstrapJob(t *testing.T) {
	r, _, operator := installed(t, "default")
	account := strings.TrimSuffix(operator, "operator") + "bootstrap"
	admin := testenv.Client(t, v1alpha1.AddToScheme)
	meta := metav1.ObjectMeta{Namespace: system, Name: "default"}
	as, access := &v1alpha1.AuthorizationServer{ObjectMeta: meta}, &v1alpha1.NamespaceAccess{ObjectMeta: meta}
	t.Cleanup(func() {
		for _, o := range []client.Object{as, access} {
			if err := client.IgnoreNotFound(admin.Delete(context.Background(), o)); err != nil {
				t.Error(err)
			}
		}
	})

	text := r.find(t, "ConfigMap", account).Object["data"].(map[string]any)["objects.yaml"].(string)
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kubeconfig := testenv.Kubeconfig(t, testenv.ServiceAccountConfig(t, system, account))
	job := exec.CommandContext(t.Context(), program(t), "bootstrap", "--kubeconfig="+kubeconfig, "--file="+file, "--timeout=5m")
	var out bytes.Buffer
	job.Stdout, job.Stderr = &out, &out
	if err := job.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- job.Wait() }()
	// The operator, which does not run here, finds all well.
	ready := []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Accepted", LastTransitionTime: metav1.Now()}}
	testenv.Eventually(t, "the Job has made both objects", func() bool {
		key := metav1.ObjectMeta{Namespace: system, Name: "default"}
		as.ObjectMeta, access.ObjectMeta = key, key
		return admin.Get(t.Context(), client.ObjectKeyFromObject(as), as) == nil && admin.Get(t.Context(), client.ObjectKeyFromObject(access), access) == nil
	})
	as.Status.ObservedGeneration, as.Status.Conditions = as.Generation, ready
	access.Status.ObservedGeneration, access.Status.Conditions = access.Generation, ready
	if err := admin.Status().Update(t.Context(), as); err != nil {
		t.Fatal(err)
	}
	if err := admin.Status().Update(t.Context(), access); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("clientele bootstrap: %v\n%s", err, &out)
	}
	for _, o := range r.ofKind("Role") {
		if o.GetName() != account {
			continue
		}
		for _, rule := range rules(t, o) {
			if slices.ContainsFunc(rule.Resources, func(s string) bool { return s != "authorizationservers" && s != "namespaceaccesses" }) ||
				slices.ContainsFunc(rule.Verbs, func(v string) bool { return v != "create" && v != "get" && v != "patch" }) ||
				slices.Equal(rule.APIGroups, []string{rbacv1.APIGroupAll}) {
				t.Errorf("the Job may %v", rule)
			}
		}
	}
}
