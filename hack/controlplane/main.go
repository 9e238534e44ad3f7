// Command controlplane builds a real Kubernetes control plane from Go modules:
// etcd, kube-apiserver, kube-controller-manager and kubectl, as the go.mod
// beside it pins them. The binaries land in .cache/controlplane/<version> at
// the repository root, once per version; .cache/controlplane/current points to
// the newest. A second run finds them and does nothing.
//
// If KUBEBUILDER_ASSETS names a folder with these binaries, nothing is built.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// cacheDir is where the binaries live, seen from this module's folder.
const cacheDir = "../../.cache/controlplane"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		return useAssets(dir)
	}
	v, err := readVersions("go.mod")
	if err != nil {
		return err
	}
	cache, err := filepath.Abs(cacheDir)
	if err != nil {
		return fmt.Errorf("find the cache folder: %w", err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	b := builder{cache: cache, versions: v, out: os.Stdout, now: time.Now}
	return b.ensure(ctx)
}

// useAssets accepts a folder of ready-made binaries, if those that nothing
// works without are in it.
func useAssets(dir string) error {
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("KUBEBUILDER_ASSETS names %s, but %s is not in it; unset KUBEBUILDER_ASSETS to build the control plane here", dir, name)
		}
	}
	fmt.Printf("controlplane: using the binaries in KUBEBUILDER_ASSETS (%s), nothing to build\n", dir)
	return nil
}
