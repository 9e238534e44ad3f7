package minkube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// K6: the CRDs can be created on the oldest supported Kubernetes.
func TestK6CRDsAreValidOnTheOldestKubernetes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs in config/crd/bases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range validate(t, text) {
				t.Error(err)
			}
		})
	}
}

// The test above finds CEL that this version does not know: the library of IP addresses
// came with 1.30, formats (format.dns1123Label) with 1.32.
func TestK6CELOfALaterKubernetesIsFound(t *testing.T) {
	crd := func(rule string) []byte {
		return []byte(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.test.example}
spec:
  group: test.example
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              at: {type: string, maxLength: 50}
            x-kubernetes-validations:
            - rule: ` + rule)
	}
	if errs := validate(t, crd("isIP(self.at)")); len(errs) > 0 {
		t.Errorf("a rule that this version knows: %v", errs)
	}
	errs := validate(t, crd("'!format.dns1123Label().validate(self.at).hasValue()'"))
	if len(errs) == 0 || !strings.Contains(errs.ToAggregate().Error(), "compilation failed") {
		t.Errorf("a rule of a later version: %v", errs)
	}
}

// validate is what the API server does when a CRD is created.
func validate(t *testing.T, text []byte) field.ErrorList {
	t.Helper()
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &v1); err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	var crd apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &crd, nil); err != nil {
		t.Fatal(err)
	}
	// What the API server itself fills in before it validates.
	crd.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	return validation.ValidateCustomResourceDefinition(t.Context(), &crd)
}

// Every document names the version whose libraries this module pins.
func TestK6DocumentsNameTheOldestKubernetes(t *testing.T) {
	const oldest = "1.31"
	for file, says := range map[string]string{
		"hack/minkube/go.mod": "k8s.io/apiextensions-apiserver v0.31.",
		"README.md":           "Kubernetes " + oldest,
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q", file, says)
		}
	}
	chart, err := os.ReadFile(filepath.Join(root, "charts", "clientele", "Chart.yaml"))
	if os.IsNotExist(err) {
		t.Skip("there is no chart yet")
	}
	if err != nil || !strings.Contains(string(chart), oldest+".0-0") {
		t.Errorf("Chart.yaml does not say kubeVersion >=%s.0-0: %v", oldest, err)
	}
}
