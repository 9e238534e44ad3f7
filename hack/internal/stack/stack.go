package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
	"clientele.dev/clientele/hack/internal/plane"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options says how a Stack runs.
type Options struct {
	// Dir takes data, logs and kubeconfigs; what an earlier run left is removed.
	Dir string
	// ServerPort is the port the server should have if it is free; 0 is any.
	ServerPort int
	// ServerEnv is added to the authorization server's environment, "KEY=value".
	ServerEnv []string
	// ControllerManager also runs kube-controller-manager: without it nothing that
	// is owned is ever collected, and no namespace ends.
	ControllerManager bool
	// Postgres keeps the authorization server's data, instead of SQLite.
	Postgres bool
	// Report takes what happens.
	Report *Reporter
	// Died is called with the reason if one of the processes ends by itself.
	Died context.CancelCauseFunc
}

// Stack is the running whole.
type Stack struct {
	layout
	Options
	root     string // of the repository
	ports    ports
	plane    *plane.Plane
	client   client.Client
	demoUser DemoUser
	operator *product
	server   *product
	postgres *pgtest.Server // nil: SQLite, or not started yet
}

// New prepares a folder, empty but for a lock.
func New(o Options) (*Stack, error) {
	needs := []string{assets.Etcd, assets.APIServer}
	if o.ControllerManager {
		needs = append(needs, assets.ControllerManager)
	}
	root, set, err := assets.Here(needs...)
	if err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	s := &Stack{layout: layout{o.Dir}, Options: o, root: root}
	if err := s.clear(); err != nil {
		return nil, err
	}
	if s.ports, err = choosePorts(o.ServerPort); err != nil {
		return nil, err
	}
	s.operator, s.server = s.newOperator(), s.newServer()
	s.plane, err = plane.New(plane.Options{Assets: set, Dir: s.controlPlane(), Logs: s.Logs()})
	return s, err
}

// Client has every right, once the API server is ready.
func (s *Stack) Client() client.Client { return s.client }

// Admin reaches the API server with every right.
func (s *Stack) Admin() *rest.Config { return s.plane.Admin() }

// Issuer is the authorization server's issuer and where it listens.
func (s *Stack) Issuer() string { return s.ports.server.url() }

// ServerMetrics and OperatorMetrics are the URLs of the metrics pages.
func (s *Stack) ServerMetrics() string { return s.ports.serverMetrics.url() + "/metrics" }

// OperatorMetrics is where the operator's metrics are.
func (s *Stack) OperatorMetrics() string { return s.ports.operatorMetrics.url() + "/metrics" }

// watch tells Died if the process ends by itself; expected is asked then.
func (s *Stack) watch(p *child.Process, expected func() bool) {
	go func() {
		<-p.Done()
		if expected != nil && expected() {
			return
		}
		s.Died(fmt.Errorf("%s ended unexpectedly (%s); its log %s ends with:\n%s", p.Name(), p.Exit(), p.Log(), child.Tail(p.Log(), 12)))
	}()
}

// Stop stops everything in the reverse of the order it was started in.
func (s *Stack) Stop() error {
	return errors.Join(s.server.stop(), s.stopPostgres(), s.operator.stop(), s.plane.Stop())
}
