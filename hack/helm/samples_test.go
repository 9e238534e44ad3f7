package helm

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1" // so that go.mod pins it
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	_ "sigs.k8s.io/gateway-api/apis/v1" // so that go.mod pins it

	"clientele.dev/clientele/hack/internal/manifests"
	"clientele.dev/clientele/hack/testenv"
)

// The samples of routes and certificates are what the API server takes, with the CRDs of
// the Gateway API and of cert-manager.
func TestTheSamplesOfRoutesApply(t *testing.T) {
	makeNamespaces(t)
	c := testenv.Client(t)
	var crds []*unstructured.Unstructured
	for module, folder := range map[string]string{
		"sigs.k8s.io/gateway-api":              "config/crd/standard",
		"github.com/cert-manager/cert-manager": "deploy/crds",
	} {
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			t.Fatalf("where is %s? %v", module, err)
		}
		objects, err := manifests.Read(filepath.Join(strings.TrimSpace(string(dir)), folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if o.GetKind() == "CustomResourceDefinition" {
				crds = append(crds, o)
			}
		}
	}
	if err := manifests.Apply(t.Context(), c, crds, time.Minute); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../config/samples/exposed/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("the samples are %v, %v", files, err)
	}
	strict := client.WithFieldValidation(c, metav1.FieldValidationStrict)
	for _, file := range files {
		objects, err := manifests.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			// The kinds of new CRDs are served a moment later.
			var refused error
			testenv.Eventually(t, "the API server knows "+o.GetKind(), func() bool {
				refused = strict.Create(t.Context(), o.DeepCopy(), client.DryRunAll)
				return refused == nil || !strings.Contains(refused.Error(), "no matches for kind") && !strings.Contains(refused.Error(), "could not find the requested resource")
			})
			if refused != nil {
				t.Errorf("%s: %s: %v", filepath.Base(file), manifests.Describe(o), refused)
			}
		}
	}
}
