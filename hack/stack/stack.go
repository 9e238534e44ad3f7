package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
	"clientele.dev/clientele/hack/internal/plane"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stack is the running whole.
type stack struct {
	layout
	root   string // of the repository
	assets assets.Set
	ports  ports
	plane  *plane.Plane
	client client.Client // with every right, once the API server is ready
	report *reporter
	died   context.CancelCauseFunc
	// product holds the operator and the server, in the order they started.
	product []*child.Process
}

// ports are chosen before anything starts: the issuer is immutable and names
// the server's.
type ports struct{ server, serverMetrics, operatorHealth, operatorMetrics int }

func newStack(dir string, r *reporter, died context.CancelCauseFunc) (*stack, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	root, err := assets.Root(wd)
	if err != nil {
		return nil, err
	}
	set, err := assets.Find(root, os.Getenv)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	s := &stack{layout: layout{dir}, root: root, assets: set, report: r, died: died}
	if err := s.clear(); err != nil {
		return nil, err
	}
	s.plane, err = plane.New(plane.Options{Assets: set, Dir: s.controlPlane(), Logs: s.logs()})
	return s, err
}

// choosePorts takes free ones for all but, if it is set already, the server's.
func (s *stack) choosePorts() (err error) {
	for _, port := range []*int{&s.ports.server, &s.ports.serverMetrics, &s.ports.operatorHealth, &s.ports.operatorMetrics} {
		if *port != 0 {
			continue
		}
		if *port, err = plane.FreePort(); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) issuer() string { return loopback(s.ports.server) }

func loopback(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// watch ends the context with the reason if the process ends by itself.
func (s *stack) watch(p *child.Process) {
	go func() {
		<-p.Done()
		s.died(fmt.Errorf("%s ended unexpectedly (%s); its log %s ends with:\n%s", p.Name(), p.Exit(), p.Log(), child.Tail(p.Log(), 12)))
	}()
}

// stop stops everything in the reverse of the order it was started in.
func (s *stack) stop() error {
	var errs []error
	for i := len(s.product) - 1; i >= 0; i-- {
		errs = append(errs, s.product[i].Stop())
	}
	s.product = nil
	return errors.Join(append(errs, s.plane.Stop())...)
}
