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

// Set holds the paths of the binaries. ControllerManager is empty where there
// is none: the usual envtest archives lack it.
type Set struct {
	Etcd              string
	APIServer         string
	Kubectl           string
	ControllerManager string
}

// ErrNoControllerManager says what to do about a missing
// kube-controller-manager.
var ErrNoControllerManager = errors.New("kube-controller-manager is not in the folder that KUBEBUILDER_ASSETS names: put it there, or run `env -u KUBEBUILDER_ASSETS make controlplane` once")

// Find returns the binaries in the folder that KUBEBUILDER_ASSETS names, or
// else those that `make controlplane` built under root. A
// kube-controller-manager that the former lacks is taken from the latter.
func Find(root string, getenv func(string) string) (Set, error) {
	local := filepath.Join(root, built)
	dir, hint := local, "run `make controlplane` first"
	if named := getenv(EnvVar); named != "" {
		dir, hint = named, "it is named by KUBEBUILDER_ASSETS; unset that and run `make controlplane` to build the binaries here"
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if !isFile(filepath.Join(dir, name)) {
			return Set{}, fmt.Errorf("the control plane's %s is missing in %s: %s", name, dir, hint)
		}
	}
	return Set{
		Etcd:              filepath.Join(dir, "etcd"),
		APIServer:         filepath.Join(dir, "kube-apiserver"),
		Kubectl:           filepath.Join(dir, "kubectl"),
		ControllerManager: firstFile(filepath.Join(dir, "kube-controller-manager"), filepath.Join(local, "kube-controller-manager")),
	}, nil
}

// Here returns the repository's root, seen from the working directory, and the
// binaries that this environment means.
func Here() (root string, set Set, err error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", Set{}, err
	}
	if root, err = Root(wd); err != nil {
		return "", Set{}, err
	}
	set, err = Find(root, os.Getenv)
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

func firstFile(paths ...string) string {
	for _, p := range paths {
		if isFile(p) {
			return p
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
