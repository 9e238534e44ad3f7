// Package testenv gives a test package a real Kubernetes API server: etcd and
// kube-apiserver as hack/controlplane builds them, RBAC in force, this
// product's CRDs and roles installed. For tests only.
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		c := testenv.Client(t, v1alpha1.AddToScheme)
//		ns := testenv.Namespace(t)
//		...
//	}
package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/manifests"
	"clientele.dev/clientele/hack/internal/plane"
	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Option changes what Main starts.
type Option func(*options)

type options struct{ controllerManager bool }

// WithControllerManager also runs kube-controller-manager's garbage collection
// and namespace deletion. Without it nothing that is owned is ever collected.
func WithControllerManager() Option {
	return func(o *options) { o.controllerManager = true }
}

// shared is the package's control plane. A test binary has exactly one, and
// TestMain cannot hand anything to tests but by a variable.
var shared *plane.Plane

// Main starts the control plane, runs the package's tests, stops everything
// and exits. If the control plane cannot start, the tests fail; they are never
// skipped.
func Main(m *testing.M, opts ...Option) {
	os.Exit(run(m, opts))
}

func run(m *testing.M, opts []Option) (code int) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	log.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "clientele-testenv-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	p, err := start(context.Background(), dir, o)
	if err != nil {
		return fail(err)
	}
	shared = p
	defer func() {
		if err := p.Stop(); err != nil {
			code = fail(err)
		}
	}()
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "testenv:", err)
	return 1
}

func start(ctx context.Context, dir string, o options) (*plane.Plane, error) {
	needs := []string{assets.Etcd, assets.APIServer}
	if o.controllerManager {
		needs = append(needs, assets.ControllerManager)
	}
	root, set, err := assets.Here(needs...)
	if err != nil {
		return nil, err
	}
	p, err := plane.New(plane.Options{Assets: set, Dir: dir, Logs: filepath.Join(dir, "logs")})
	if err != nil {
		return nil, err
	}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	if err := populate(ctx, p, root, o); err != nil {
		_ = p.Stop()
		return nil, err
	}
	return p, nil
}

// populate installs the CRDs and roles and starts what else is wanted.
func populate(ctx context.Context, p *plane.Plane, root string, o options) error {
	if err := installCRDs(p, filepath.Join(root, "config", "crd", "bases")); err != nil {
		return err
	}
	if err := applyRights(ctx, p, root); err != nil {
		return err
	}
	if o.controllerManager {
		return p.StartControllerManager(ctx)
	}
	return nil
}

// installCRDs leaves the installing, and the waiting until the API server
// serves the kinds, to envtest.
func installCRDs(p *plane.Plane, dir string) error {
	if !exists(dir) {
		return nil
	}
	existing := true
	env := envtest.Environment{
		UseExistingCluster:    &existing,
		Config:                p.Admin(),
		CRDDirectoryPaths:     []string{dir},
		ErrorIfCRDPathMissing: true,
	}
	if _, err := env.Start(); err != nil {
		return fmt.Errorf("install the CRDs: %w", err)
	}
	return nil
}

func applyRights(ctx context.Context, p *plane.Plane, root string) error {
	objects, err := manifests.Rights(root)
	if err != nil {
		return err
	}
	c, err := client.New(p.Admin(), client.Options{})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	return manifests.Apply(ctx, c, objects, 30*time.Second)
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}
