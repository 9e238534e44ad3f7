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
	// serverManifest is the copied sample that holds the AuthorizationServer.
	serverManifest string
	// product holds the operator and the server, in the order they started.
	product []*child.Process
}

// newStack prepares a folder, empty but for the lock. serverPort is the port
// the server should have if it is free; 0 is any.
func newStack(dir string, serverPort int, r *reporter, died context.CancelCauseFunc) (*stack, error) {
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
	if s.ports, err = choosePorts(serverPort); err != nil {
		return nil, err
	}
	s.plane, err = plane.New(plane.Options{Assets: set, Dir: s.controlPlane(), Logs: s.logs()})
	return s, err
}

func (s *stack) issuer() string { return s.ports.server.url() }

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
