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
	const (
		all       = "etcd kube-apiserver kubectl kube-controller-manager"
		published = "etcd kube-apiserver kubectl"
	)
	tests := []struct {
		rule   string
		built  string // what .cache holds
		ready  string // what KUBEBUILDER_ASSETS holds; "" is unset
		wanted string
		want   string // "built" or "ready" of each of wanted
		errHas string
	}{
		{rule: "built is used", built: all, wanted: "etcd kube-controller-manager", want: "built built"},
		{rule: "nothing built", wanted: "etcd", errHas: "make controlplane"},
		{rule: "only what is wanted need exist", built: "etcd kube-apiserver", wanted: "etcd kube-apiserver", want: "built built"},
		{rule: "a wanted one is missing", built: "etcd kube-apiserver", wanted: "etcd kubectl", errHas: "kubectl is missing"},
		{rule: "KUBEBUILDER_ASSETS wins", built: all, ready: all, wanted: "etcd kubectl", want: "ready ready"},
		{rule: "what KUBEBUILDER_ASSETS lacks was built", built: all, ready: published, wanted: "kube-apiserver kube-controller-manager", want: "ready built"},
		{rule: "what KUBEBUILDER_ASSETS lacks was not built", ready: published, wanted: "etcd kube-controller-manager", errHas: "run `make controlplane`, which builds"},
		{rule: "etcd and API server belong together", built: all, ready: "etcd", wanted: "etcd kube-apiserver", errHas: "unset it"},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			root, ready := t.TempDir(), t.TempDir()
			folder(t, filepath.Join(root, built), strings.Fields(tc.built)...)
			folder(t, ready, strings.Fields(tc.ready)...)
			got, err := Find(root, func(string) string {
				if tc.ready == "" {
					return ""
				}
				return ready
			}, strings.Fields(tc.wanted)...)
			if tc.errHas != "" {
				if err == nil || !strings.Contains(err.Error(), tc.errHas) {
					t.Fatalf("error %v, want one that names %q", err, tc.errHas)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			dirs := map[string]string{"built": filepath.Join(root, built), "ready": ready}
			for i, from := range strings.Fields(tc.want) {
				name := strings.Fields(tc.wanted)[i]
				if want := filepath.Join(dirs[from], name); got[name] != want {
					t.Errorf("%s is %s, want %s", name, got[name], want)
				}
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
