// Command controlplane provides a real Kubernetes control plane: etcd,
// kube-apiserver, kubectl and kube-controller-manager, or those of them that its
// arguments name.
//
// It builds them from the Go modules that the go.mod beside it pins, once per
// version. Before anything is built it tries to download the test binaries that
// Kubernetes publishes (without kube-controller-manager), of the same minor
// version; never where CI is set: there the pinned versions are tested. The
// binaries land in a folder of .cache/controlplane at the repository root, and
// .cache/controlplane/current points to that folder. A second run finds them and
// does nothing.
//
// If KUBEBUILDER_ASSETS names a folder with etcd and kube-apiserver, only those of
// the others that it lacks are built.
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
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	wanted, err := named(names)
	if err != nil {
		return err
	}
	b := builder{out: os.Stdout, now: time.Now}
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		if wanted, err = beside(dir, wanted); err != nil {
			return err
		}
		b.say("using the binaries in KUBEBUILDER_ASSETS (%s)", dir)
		if len(wanted) == 0 {
			return nil
		}
	} else if os.Getenv("CI") == "" {
		b.publisher = &publisher{silence: silence}
	}
	if b.versions, err = readVersions("go.mod"); err != nil {
		return err
	}
	if b.cache, err = filepath.Abs(cacheDir); err != nil {
		return fmt.Errorf("find the cache folder: %w", err)
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(b.cache, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	return b.ensure(ctx, wanted)
}

// beside returns which of the wanted programs a folder of ready-made binaries
// lacks. Without etcd and kube-apiserver the folder is of no use.
func beside(dir string, wanted []program) ([]program, error) {
	missing := lacking(dir, wanted)
	for _, p := range missing {
		if p.name == "etcd" || p.name == "kube-apiserver" {
			return nil, fmt.Errorf("KUBEBUILDER_ASSETS names %s, which lacks %s; unset KUBEBUILDER_ASSETS to download or build it", dir, p.name)
		}
	}
	return missing, nil
}
