// Package plane runs a throw-away Kubernetes control plane on loopback: etcd,
// kube-apiserver and, if wanted, kube-controller-manager. Demo, dev and tests
// share it, so that all of them see the same API server with RBAC in force.
package plane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
	"k8s.io/client-go/rest"
)

// readyWithin bounds how long one part may take to become ready. On a loaded
// two-core machine the API server takes up to half a minute.
const readyWithin = 2 * time.Minute

// Plane is a control plane. Its Start methods are called in their order, from
// one goroutine.
type Plane struct {
	assets  assets.Set
	dir     string
	logs    string
	etcdURL string
	admin   *rest.Config
	running []*child.Process
}

// Options say where a control plane lives.
type Options struct {
	Assets assets.Set
	Dir    string // data and certificates; made if missing
	Logs   string // log files; made if missing
}

// New prepares the folders. Nothing runs yet.
func New(o Options) (*Plane, error) {
	for _, dir := range []string{o.Dir, o.Logs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the control plane's folder: %w", err)
		}
	}
	return &Plane{assets: o.Assets, dir: o.Dir, logs: o.Logs}, nil
}

// Start starts etcd and kube-apiserver and returns when both are ready. After
// an error nothing is left running.
func (p *Plane) Start(ctx context.Context) error {
	for _, start := range []func(context.Context) error{p.StartEtcd, p.StartAPIServer} {
		if err := start(ctx); err != nil {
			return errors.Join(err, p.Stop())
		}
	}
	return nil
}

// Admin returns a configuration with every right (group system:masters) and no
// client-side rate limit. It is nil before the API server is ready.
func (p *Plane) Admin() *rest.Config {
	return rest.CopyConfig(p.admin)
}

// Processes lists what runs, in the order it was started.
func (p *Plane) Processes() []*child.Process { return p.running }

// Stop stops everything in reverse order. It may be called twice.
func (p *Plane) Stop() error {
	var errs []error
	for i := len(p.running) - 1; i >= 0; i-- {
		errs = append(errs, p.running[i].Stop())
	}
	p.running = nil
	return errors.Join(errs...)
}

func (p *Plane) path(name string) string { return filepath.Join(p.dir, name) }

func (p *Plane) log(name string) string { return filepath.Join(p.logs, name+".log") }
