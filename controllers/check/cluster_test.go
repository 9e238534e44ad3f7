package check

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
)

// Without an API server there is nothing to check, and the exit code says so.
func TestNoAPIServer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"a stranger":    {http.StatusUnauthorized, "", "does not know you (401)"},
		"no version":    {http.StatusNotFound, "", "is no API server: it answers 404"},
		"another thing": {http.StatusOK, "<html>", "is no API server: it tells no version"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(c.status)
			fmt.Fprint(rw, c.body)
		}))
		t.Cleanup(s.Close)
		o := command(t, time.Now, "--kubeconfig", testenv.Kubeconfig(t, &rest.Config{Host: s.URL}))
		if o.code != exitUsage || !strings.Contains(o.notes, c.says) {
			t.Errorf("%s: exit code %d, %q, want 2, %q", name, o.code, o.notes, c.says)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	o := command(t, time.Now, "--kubeconfig", testenv.Kubeconfig(t, &rest.Config{Host: gone.URL}))
	if o.code != exitUsage || !strings.Contains(o.notes, "no API server: ") || !strings.Contains(o.notes, "connection refused") {
		t.Errorf("exit code %d, %q", o.code, o.notes)
	}
}

func TestAnOldAPIServerFails(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			http.NotFound(rw, r)
			return
		}
		fmt.Fprint(rw, `{"major": "1", "minor": "30", "gitVersion": "v1.30.4-eks-abc"}`)
	}))
	t.Cleanup(s.Close)
	k, err := newChecker(Options{Now: time.Now}, flags{output: "text", kubeconfig: testenv.Kubeconfig(t, &rest.Config{Host: s.URL})})
	must(t, err)
	must(t, k.checkAPIServer(t.Context()))
	outcome{findings: k.Findings}.has(t, checkAPIServer, fail, "Kubernetes v1.30.4-eks-abc", "needs 1.31.0 or later", "do: kubectl version")
}

// crd reads one of the cluster's.
func (w *world) crd(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(crdKind)
	must(t, w.admin.Get(context.Background(), client.ObjectKey{Name: name}, crd))
	return crd
}

const policiesCRD = "scopepolicies.oauth.clientele.dev"

func TestACRDOfAnotherReleaseFails(t *testing.T) {
	w := running(t)
	versions := func(c *unstructured.Unstructured) []any {
		v, _, err := unstructured.NestedSlice(c.Object, "spec", "versions")
		must(t, err)
		return v
	}
	describe := func(as string) {
		crd := w.crd(t, policiesCRD)
		v := versions(crd)
		must(t, unstructured.SetNestedField(v[0].(map[string]any), as, "schema", "openAPIV3Schema", "description"))
		must(t, unstructured.SetNestedSlice(crd.Object, v, "spec", "versions"))
		must(t, w.admin.Update(context.Background(), crd))
	}
	before, _, err := unstructured.NestedString(versions(w.crd(t, policiesCRD))[0].(map[string]any), "schema", "openAPIV3Schema", "description")
	must(t, err)
	describe("of another release")
	t.Cleanup(func() { describe(before) })
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkCRDs)
	o.has(t, checkCRDs, fail, "CRD "+policiesCRD, "is not that of clientele 0.1.0", "do: kubectl -n clientele-system get deployment clientele-operator -o jsonpath='{..image}'")
	o.has(t, checkCRDs, ok, "CRD oauthclients.oauth.clientele.dev")
}

func TestAMissingCRDFails(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	crd := w.crd(t, policiesCRD)
	must(t, w.admin.Delete(t.Context(), crd))
	testenv.Eventually(t, "the CRD is gone", func() bool {
		return w.admin.Get(t.Context(), client.ObjectKey{Name: policiesCRD}, crd.DeepCopy()) != nil
	})
	t.Cleanup(func() {
		again := &unstructured.Unstructured{Object: map[string]any{"spec": crd.Object["spec"]}}
		again.SetGroupVersionKind(crdKind)
		again.SetName(policiesCRD)
		must(t, w.admin.Create(context.Background(), again))
		testenv.Eventually(t, "the CRD is served again", func() bool {
			must(t, w.admin.Get(context.Background(), client.ObjectKey{Name: policiesCRD}, again))
			return notServed(again) == "" && w.admin.List(context.Background(), &v1alpha1.ScopePolicyList{}) == nil
		})
	})
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkCRDs)
	o.has(t, checkCRDs, fail, "CRD "+policiesCRD+" - it is not installed; do: kubectl apply --server-side -k config/crd")
}

func TestACRDThatIsNotServed(t *testing.T) {
	condition := func(kind, status, message string) any {
		return map[string]any{"type": kind, "status": status, "message": message}
	}
	for name, c := range map[string]struct {
		conditions []any
		want       string
	}{
		"served":   {[]any{condition("NamesAccepted", "True", ""), condition("Established", "True", "")}, ""},
		"conflict": {[]any{condition("NamesAccepted", "False", "oac is taken"), condition("Established", "False", "not all names are accepted")}, "NamesAccepted is not True: oac is taken"},
		"new":      {[]any{condition("NamesAccepted", "True", "")}, "Established is not True"},
		"nothing":  {nil, "NamesAccepted is not True"},
	} {
		got := notServed(&unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": c.conditions}}})
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
