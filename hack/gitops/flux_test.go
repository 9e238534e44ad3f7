package gitops

import (
	"os"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// fluxFile is what users take the expressions from.
const fluxFile = "../../config/gitops/flux/flux-kustomization.yaml"

// expressions of the file, by kind.
func expressions(t *testing.T) map[string]kustomize.HealthCheckExpressions {
	t.Helper()
	text, err := os.ReadFile(fluxFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Spec struct {
			HealthCheckExprs []kustomize.CustomHealthCheck `json:"healthCheckExprs"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	byKind := map[string]kustomize.HealthCheckExpressions{}
	for _, check := range file.Spec.HealthCheckExprs {
		if check.APIVersion != v1alpha1.GroupVersion.String() {
			t.Errorf("%s %s is no kind of ours", check.APIVersion, check.Kind)
		}
		byKind[check.Kind] = check.HealthCheckExpressions
	}
	return byKind
}

// flux evaluates an object's expressions as kustomize-controller does.
func flux(t *testing.T, u *unstructured.Unstructured) status.Status {
	t.Helper()
	of, ok := expressions(t)[u.GetKind()]
	if !ok {
		t.Fatalf("%s has no expressions for %s", fluxFile, u.GetKind())
	}
	evaluator, err := cel.NewStatusEvaluator(&of)
	if err != nil {
		t.Fatal(err)
	}
	result, err := evaluator.Evaluate(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}
