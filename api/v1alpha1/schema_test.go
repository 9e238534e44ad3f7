package v1alpha1_test

import (
	"context"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// rule is a spec that the API server must take or refuse.
type rule struct {
	name string
	spec string // YAML
	// want is what the refusal must say: the field's path, and what would be
	// right. Empty: the object is taken.
	want []string
}

// change is an update of a spec that the API server must take or refuse.
type change struct {
	name     string
	from, to string // YAML
	want     []string
}

// object builds an object of a kind of this package from the YAML of its spec.
func object(t *testing.T, kind, namespace, name, spec string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	obj.SetNamespace(namespace)
	obj.SetName(name)
	setSpec(t, obj, spec)
	return obj
}

func setSpec(t *testing.T, obj *unstructured.Unstructured, spec string) {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(spec), &fields); err != nil {
		t.Fatalf("the test's YAML: %v", err)
	}
	if fields != nil {
		obj.Object["spec"] = fields
	}
}

// check holds the API server's answer against what a rule wants.
func check(t *testing.T, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	if !apierrors.IsInvalid(err) {
		t.Fatalf("got %v, want it refused as invalid with %q", err, want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the refusal %q does not say %q", err, w)
		}
	}
}

// checkCreate tries each spec without keeping it.
func checkCreate(t *testing.T, kind string, rules []rule) {
	t.Helper()
	c := client.NewDryRunClient(testenv.Client(t))
	ns := testenv.Namespace(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			check(t, c.Create(t.Context(), object(t, kind, ns, "x", r.spec)), r.want)
		})
	}
}

// checkUpdate makes each object, tries the change and takes the object away.
func checkUpdate(t *testing.T, kind string, changes []change) {
	t.Helper()
	c := testenv.Client(t)
	ns := testenv.Namespace(t)
	for _, u := range changes {
		t.Run(u.name, func(t *testing.T) {
			obj := object(t, kind, ns, "x", u.from)
			if err := c.Create(t.Context(), obj); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Delete(context.Background(), obj); err != nil {
					t.Error(err)
				}
			})
			changed := obj.DeepCopy()
			setSpec(t, changed, u.to)
			check(t, c.Update(t.Context(), changed, client.DryRunAll), u.want)
		})
	}
}

// names makes n different words, as a YAML flow sequence.
func names(n int, format func(int) string) string {
	words := make([]string, n)
	for i := range words {
		words[i] = format(i)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func word(i int) string {
	return "s" + strings.Repeat("x", i/26) + string(rune('a'+i%26))
}
