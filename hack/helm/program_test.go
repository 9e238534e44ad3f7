package helm

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

var flagName = regexp.MustCompile(`--[a-z-]+`)

// Every argument in a Pod of the chart is a flag of the program that is in its image.
func TestTheProgramHasTheFlagsOfTheChart(t *testing.T) {
	clientele := program(t)
	help := map[string][]string{}
	flags := func(t *testing.T, command []string) []string {
		t.Helper()
		key := strings.Join(command, " ")
		if help[key] == nil {
			out, err := exec.Command(clientele, append(command, "--help")...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "clientele "+key) {
				t.Fatalf("clientele %s --help: %v\n%s", key, err, out)
			}
			help[key] = flagName.FindAllString(string(out), -1)
		}
		return help[key]
	}
	forEach(t, func(t *testing.T, _ string, r *release) {
		for what, pod := range r.pods(t) {
			for _, c := range containers(pod) {
				i := slices.IndexFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "--") })
				if i < 1 {
					t.Fatalf("%s has the arguments %q, want a command first", what, c.Args)
				}
				known := flags(t, c.Args[:i])
				for _, arg := range c.Args[i:] {
					if name, _, _ := strings.Cut(arg, "="); !slices.Contains(known, name) {
						t.Errorf("%s: clientele %s has no flag %s", what, strings.Join(c.Args[:i], " "), name)
					}
				}
			}
		}
	})
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
