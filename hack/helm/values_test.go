package helm

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	action3 "helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	action4 "helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"sigs.k8s.io/yaml"
)

func TestHelm3And4RenderTheSame(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		by3, err := render3(r.values)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range []struct {
			name string
			a, b any
		}{{"objects", by3.objects, r.objects}, {"hooks", by3.hooks, r.hooks}, {"notes", by3.notes, r.notes}} {
			if diff := cmp.Diff(list.a, list.b); diff != "" {
				t.Errorf("Helm 4 (+) renders other %s than Helm 3 (-):\n%s", list.name, diff)
			}
		}
	})
}

// Each file in testdata/refused is refused by both, for the reason in its first line.
func TestBadValuesAreRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("the refused files are %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			values, want := readValues(t, file)
			_, by3 := render3(values)
			_, by4 := render4(values)
			for version, err := range map[int]error{3: by3, 4: by4} {
				if err == nil || !strings.Contains(err.Error(), "schema") || !strings.Contains(err.Error(), want) {
					t.Errorf("Helm %d says %v, want that the schema refuses %q", version, err, want)
				}
			}
		})
	}
}

func TestLint(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		lint3, lint4 := action3.NewLint(), action4.NewLint()
		lint3.Namespace, lint4.Namespace = system, system
		lint3.Strict, lint4.Strict = true, true
		var err error
		if lint3.KubeVersion, err = chartutil.ParseKubeVersion(kubernetes); err != nil {
			t.Fatal(err)
		}
		if lint4.KubeVersion, err = common.ParseKubeVersion(kubernetes); err != nil {
			t.Fatal(err)
		}
		for _, err := range slices.Concat(lint3.Run([]string{chartDir}, fresh(r.values)).Errors, lint4.Run([]string{chartDir}, fresh(r.values)).Errors) {
			t.Error(err)
		}
	})
}

// What values.yaml has, the schema describes, and the other way round.
func TestTheSchemaIsAboutTheValues(t *testing.T) {
	values, schema := map[string]any{}, map[string]any{}
	for file, into := range map[string]any{"values.yaml": &values, "values.schema.json": &schema} {
		text, err := os.ReadFile(filepath.Join(chartDir, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") {
			err = json.Unmarshal(text, into)
		} else {
			err = yaml.UnmarshalStrict(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	delete(schema["properties"].(map[string]any), "global") // Helm's
	compareSchema(t, "", values, schema)
}

func compareSchema(t *testing.T, path string, values, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	if schema["additionalProperties"] != false || properties == nil {
		return // a map of the user's, or what the CRD describes
	}
	names := slices.Sorted(maps.Keys(values))
	want := slices.Sorted(maps.Keys(properties))
	if path == ".operator.resources" {
		want = slices.DeleteFunc(want, func(n string) bool { return n == "claims" })
	}
	if !slices.Equal(names, want) {
		t.Errorf("values%s has %q, the schema %q", path, names, want)
	}
	for _, name := range names {
		value, isMap := values[name].(map[string]any)
		below, _ := properties[name].(map[string]any)
		if isMap {
			compareSchema(t, path+"."+name, value, below)
		}
	}
}

// A chart within a chart gets a value `global`, which is not an error.
func TestItMayBePartOfAnotherChart(t *testing.T) {
	if _, err := render4(map[string]any{"global": map[string]any{"imageRegistry": "registry.example.com"}}); err != nil {
		t.Error(err)
	}
}

// Kubernetes that is too old is refused before anything is installed; a cloud's version with
// a suffix is not.
func TestOldKubernetesIsRefused(t *testing.T) {
	for version, refused := range map[string]bool{"v1.30.14": true, "v1.31.0": false, "v1.31.2-gke.1115000": false, "v1.37.0": false} {
		_, by3 := render3For(version, nil)
		_, by4 := render4For(version, nil)
		for helm, err := range map[int]error{3: by3, 4: by4} {
			if got := err != nil && strings.Contains(err.Error(), "incompatible with Kubernetes"); got != refused {
				t.Errorf("Helm %d on Kubernetes %s: %v", helm, version, err)
			}
		}
	}
}
