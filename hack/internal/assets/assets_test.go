package assets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func folder(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	const all = "etcd kube-apiserver kubectl kube-controller-manager"
	tests := []struct {
		rule        string
		built       string // what .cache holds
		named       string // what KUBEBUILDER_ASSETS holds; "" is unset
		fromNamed   bool   // etcd is taken from KUBEBUILDER_ASSETS
		managerFrom string // "", "built" or "named"
		errHas      string
	}{
		{rule: "built is used", built: all, managerFrom: "built"},
		{rule: "nothing built", errHas: "make controlplane"},
		{rule: "KUBEBUILDER_ASSETS wins", built: all, named: all, fromNamed: true, managerFrom: "named"},
		{rule: "no manager anywhere", named: "etcd kube-apiserver kubectl", fromNamed: true},
		{rule: "manager falls back", built: all, named: "etcd kube-apiserver kubectl", fromNamed: true, managerFrom: "built"},
		{rule: "incomplete KUBEBUILDER_ASSETS", built: all, named: "etcd", errHas: "KUBEBUILDER_ASSETS"},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			root, named := t.TempDir(), t.TempDir()
			folder(t, filepath.Join(root, built), strings.Fields(tc.built)...)
			folder(t, named, strings.Fields(tc.named)...)
			got, err := Find(root, func(string) string {
				if tc.named == "" {
					return ""
				}
				return named
			})
			if tc.errHas != "" {
				if err == nil || !strings.Contains(err.Error(), tc.errHas) {
					t.Fatalf("error %v, want one that names %q", err, tc.errHas)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(got.Etcd, named) != tc.fromNamed {
				t.Errorf("etcd from %s", got.Etcd)
			}
			dirs := map[string]string{"": "", "built": filepath.Join(root, built, "kube-controller-manager"), "named": filepath.Join(named, "kube-controller-manager")}
			if got.ControllerManager != dirs[tc.managerFrom] {
				t.Errorf("controller manager %q, want %q", got.ControllerManager, dirs[tc.managerFrom])
			}
		})
	}
}

func TestRootPassesOtherModulesBy(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "hack", "x")
	folder(t, deep)
	write := func(dir, text string) {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(deep, "module clientele.dev/clientele/hack/x\n")
	write(root, "module clientele.dev/clientele\n")
	got, err := Root(deep)
	if err != nil || got != root {
		t.Fatalf("Root() = %q, %v, want %q", got, err, root)
	}
}
