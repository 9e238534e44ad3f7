package v1alpha1_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele.dev/clientele/hack/testenv"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var update = flag.Bool("update", false, "write testdata/before/answers.golden anew")

// TestObjectsOfBefore: what the API server says today, with strict field validation, to
// objects as they were written before the kind NamespaceAccess: the samples of then, and the
// other fields that are gone. `go test ./api/v1alpha1 -run Before -update` writes the
// answers.
func TestObjectsOfBefore(t *testing.T) {
	const dir, golden = "testdata/before", "testdata/before/answers.golden"
	c := client.WithFieldValidation(client.NewDryRunClient(testenv.Client(t)), metav1.FieldValidationStrict)
	ns := testenv.Namespace(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", dir, len(files), err)
	}
	var got strings.Builder
	for _, file := range files {
		for _, o := range objectsOf(t, file) {
			o.SetNamespace(ns)
			fmt.Fprintf(&got, "%s %s/%s: %s\n", filepath.Base(file), o.GetKind(), o.GetName(), answer(t, c.Create(t.Context(), o)))
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the answers are others (-want +got):\n%s", diff)
	}
}

// objectsOf reads the documents of a YAML file.
func objectsOf(t *testing.T, path string) (all []*unstructured.Unstructured) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := yaml.NewYAMLOrJSONDecoder(f, 4096)
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, o)
	}
}

// answer is what the API server says.
func answer(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "valid"
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		t.Fatal(err)
	}
	return status.Status().Message
}
