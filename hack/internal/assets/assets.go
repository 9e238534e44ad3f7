// Package assets finds the control plane's binaries and the repository root.
package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// EnvVar names a folder of ready-made binaries, as envtest has it.
const EnvVar = "KUBEBUILDER_ASSETS"

// built is where hack/controlplane puts what it builds, seen from the root.
const built = ".cache/controlplane/current"

// Names of the binaries.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	Kubectl           = "kubectl"
	ControllerManager = "kube-controller-manager"
)

// Set holds the paths of the binaries by name.
type Set map[string]string

// Find returns the named binaries. They are in the folder that KUBEBUILDER_ASSETS
// names, or else where hack/controlplane put them under root. The published envtest
// archives lack kube-controller-manager: what the former folder lacks is taken from
// the latter, except etcd and kube-apiserver, which belong together.
func Find(root string, getenv func(string) string, names ...string) (Set, error) {
	local, set := filepath.Join(root, built), Set{}
	for _, name := range names {
		dirs, hint := []string{local}, "run `make controlplane` first"
		if ready := getenv(EnvVar); ready != "" {
			if dirs, hint = []string{ready, local}, "run `make controlplane`, which builds what the folder that KUBEBUILDER_ASSETS names lacks"; name == Etcd || name == APIServer {
				dirs, hint = dirs[:1], "KUBEBUILDER_ASSETS names that folder; unset it and run `make controlplane`"
			}
		}
		for _, dir := range dirs {
			if path := filepath.Join(dir, name); set[name] == "" && isFile(path) {
				set[name] = path
			}
		}
		if set[name] == "" {
			return nil, fmt.Errorf("the control plane's %s is missing in %s: %s", name, dirs[0], hint)
		}
	}
	return set, nil
}

// Here returns the repository's root, seen from the working directory, and the
// named binaries of this environment.
func Here(names ...string) (root string, set Set, err error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", Set{}, err
	}
	if root, err = Root(wd); err != nil {
		return "", Set{}, err
	}
	set, err = Find(root, os.Getenv, names...)
	return root, set, err
}

// Root returns the repository's root: the nearest folder at or above dir whose
// go.mod is the product's.
func Root(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module clientele.dev/clientele\n") {
			return at, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the repository root: %w", err)
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod of module clientele.dev/clientele at or above %s", dir)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
