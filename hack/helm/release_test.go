package helm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	action3 "helm.sh/helm/v3/pkg/action"
	loader3 "helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	action4 "helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	loader4 "helm.sh/helm/v4/pkg/chart/v2/loader"
	release4 "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"clientele.dev/clientele/hack/internal/manifests"
)

const (
	chartDir    = "../../charts/clientele"
	releaseName = "clientele"
	system      = "clientele-system"
	group       = "oauth.clientele.dev"

	// kubernetes is the version that Helm is told; the library's own is an old one.
	kubernetes = "v1.37.0"
)

// release is what Helm makes of the chart.
type release struct {
	values  map[string]any
	objects []*unstructured.Unstructured
	hooks   []*unstructured.Unstructured
	notes   string
}

// all objects, hooks included.
func (r *release) all() []*unstructured.Unstructured { return slices.Concat(r.objects, r.hooks) }

// find returns the one object of a kind and name, and ends the test if there is none.
func (r *release) find(t *testing.T, kind, name string) *unstructured.Unstructured {
	t.Helper()
	var found []*unstructured.Unstructured
	for _, o := range r.all() {
		if o.GetKind() == kind && o.GetName() == name {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the release has %d objects %s %s, want 1", len(found), kind, name)
	}
	return found[0]
}

func (r *release) ofKind(kind string) (found []*unstructured.Unstructured) {
	for _, o := range r.all() {
		if o.GetKind() == kind {
			found = append(found, o)
		}
	}
	return found
}

// bootstrapped are the objects that the bootstrap Job applies; none if there is no Job.
func (r *release) bootstrapped(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	for _, o := range r.ofKind("ConfigMap") {
		text, found, _ := unstructured.NestedString(o.Object, "data", "objects.yaml")
		if !found {
			continue
		}
		objects, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", manifests.Describe(o), err)
		}
		return objects
	}
	return nil
}

// render3 renders as `helm template` of version 3 does, the schema included.
func render3(values map[string]any) (*release, error) { return render3For(kubernetes, values) }

func render3For(version string, values map[string]any) (*release, error) {
	c, err := loader3.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	install := action3.NewInstall(&action3.Configuration{Log: func(string, ...any) {}})
	install.ClientOnly, install.DryRun = true, true
	if install.KubeVersion, err = chartutil.ParseKubeVersion(version); err != nil {
		return nil, err
	}
	install.ReleaseName, install.Namespace = releaseName, system
	rel, err := install.Run(c, fresh(values))
	if err != nil {
		return nil, err
	}
	var hooks []string
	for _, h := range rel.Hooks {
		hooks = append(hooks, h.Manifest)
	}
	return newRelease(values, rel.Manifest, hooks, rel.Info.Notes)
}

// render4 is render3 with version 4.
func render4(values map[string]any) (*release, error) { return render4For(kubernetes, values) }

func render4For(version string, values map[string]any) (*release, error) {
	c, err := loader4.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	install := action4.NewInstall(action4.NewConfiguration())
	install.DryRunStrategy = action4.DryRunClient
	if install.KubeVersion, err = common.ParseKubeVersion(version); err != nil {
		return nil, err
	}
	install.ReleaseName, install.Namespace = releaseName, system
	r, err := install.Run(c, fresh(values))
	if err != nil {
		return nil, err
	}
	rel, ok := r.(*release4.Release)
	if !ok {
		return nil, fmt.Errorf("helm made a %T", r)
	}
	var hooks []string
	for _, h := range rel.Hooks {
		hooks = append(hooks, h.Manifest)
	}
	return newRelease(values, rel.Manifest, hooks, rel.Info.Notes)
}

// fresh returns a copy of values: Helm changes what it is given, and takes out what is null.
func fresh(values map[string]any) map[string]any {
	text, err := yaml.Marshal(values)
	if err != nil {
		panic(err)
	}
	var c map[string]any
	if err := yaml.Unmarshal(text, &c); err != nil {
		panic(err)
	}
	return c
}

func newRelease(values map[string]any, manifest string, hooks []string, notes string) (*release, error) {
	r := &release{values: values, notes: notes}
	var err error
	if r.objects, err = parse(manifest); err != nil {
		return nil, err
	}
	r.hooks, err = parse(strings.Join(hooks, "\n---\n"))
	return r, err
}

func parse(text string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(o.Object) > 0 {
			all = append(all, o)
		}
	}
}

// readValues reads a values file; its first line is a comment.
func readValues(t *testing.T, path string) (values map[string]any, comment string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	comment, _, _ = strings.Cut(string(text), "\n")
	return values, strings.TrimPrefix(comment, "# ")
}

// once holds what rendered has rendered.
var once = map[string]*release{}

// rendered is the release of testdata/values/NAME.yaml, by Helm 4; a copy that the test may
// change. Not for tests that run in parallel.
func rendered(t *testing.T, name string) *release {
	t.Helper()
	if once[name] == nil {
		values, _ := readValues(t, filepath.Join("testdata", "values", name+".yaml"))
		r, err := render4(values)
		if err != nil {
			t.Fatal(err)
		}
		once[name] = r
	}
	r := *once[name]
	r.objects, r.hooks = copies(r.objects), copies(r.hooks)
	return &r
}

func copies(all []*unstructured.Unstructured) []*unstructured.Unstructured {
	var c []*unstructured.Unstructured
	for _, o := range all {
		c = append(c, o.DeepCopy())
	}
	return c
}

// forEach runs a test for each values file.
func forEach(t *testing.T, test func(t *testing.T, name string, r *release)) {
	t.Helper()
	files, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(files) < 12 {
		t.Fatalf("the values files are %v, %v; want a dozen", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) { test(t, name, rendered(t, name)) })
	}
}
