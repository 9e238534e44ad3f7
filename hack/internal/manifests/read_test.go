package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: x}\n---\n# only a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: two}\n",
		"a.yml":              "apiVersion: v1\nkind: Secret\nmetadata: {name: zero, namespace: x}\n",
		"kustomization.yaml": "resources: [b.yaml]\n",
		"README.md":          "no manifest",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, obj := range objects {
		got = append(got, Describe(obj))
	}
	want := []string{"Secret x/zero", "ConfigMap x/one", "Namespace two"}
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestReadNamesTheBrokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(path, []byte("a: [b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil {
		t.Fatal("a broken file is read without error")
	}
}
