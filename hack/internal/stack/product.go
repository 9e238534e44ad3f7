package stack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"clientele.dev/clientele/hack/internal/child"
	"clientele.dev/clientele/hack/internal/plane"
)

// productReady bounds the start of the operator and of the server.
const productReady = time.Minute

// serverName is the AuthorizationServer that the stack serves.
const serverName = "default"

// product is one of the two halves of the product, which may be stopped and
// started again.
type product struct {
	stack    *Stack
	name     string
	env      []string
	args     []string
	readyURL string
	// ports are held until the first start.
	ports   []*port
	process *child.Process
	// expected says that the process is about to end because somebody wants it.
	expected *atomic.Bool
}

func (s *Stack) newOperator() *product {
	p := s.ports
	return &product{
		stack: s, name: "operator",
		ports: []*port{p.operatorHealth, p.operatorMetrics}, readyURL: p.operatorHealth.url() + "/readyz",
		args: []string{
			"manager",
			"--kubeconfig=" + s.operatorIdentity().kubeconfig,
			"--namespace=" + SystemNamespace,
			"--service-account=" + s.operatorIdentity().name,
			"--authorization-server-namespaces=" + SystemNamespace,
			"--metrics-bind-address=" + p.operatorMetrics.address(),
			"--health-probe-bind-address=" + p.operatorHealth.address(),
			"--leader-elect=true",
		},
	}
}

func (s *Stack) newServer() *product {
	p := s.ports
	storage := []string{"--data-dir=" + s.serverData()}
	if s.Postgres {
		storage = []string{"--storage=postgres", "--postgres-dsn-file=" + s.dsn()}
	}
	return &product{
		stack: s, name: "server", env: s.ServerEnv,
		ports: []*port{p.server, p.serverMetrics}, readyURL: s.Issuer() + "/readyz",
		args: append([]string{
			"server",
			"--kubeconfig=" + s.serverIdentity().kubeconfig,
			"--authorization-server=" + SystemNamespace + "/" + serverName,
			"--listen-address=" + p.server.address(),
			"--metrics-address=" + p.serverMetrics.address(),
		}, storage...),
	}
}

// StartOperator starts the operator and waits until it is ready.
func (s *Stack) StartOperator(ctx context.Context) (string, error) {
	return "operator ready", s.operator.start(ctx)
}

// StartServer starts the authorization server and waits until it is ready.
func (s *Stack) StartServer(ctx context.Context) (string, error) {
	return "authorization server ready at " + s.Issuer(), s.server.start(ctx)
}

// StopServer stops the authorization server in order.
func (s *Stack) StopServer() error { return s.server.stop() }

// KillOperator ends the operator as a crash would.
func (s *Stack) KillOperator() error {
	s.operator.expected.Store(true)
	if err := syscall.Kill(s.operator.process.PID(), syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the operator: %w", err)
	}
	<-s.operator.process.Done()
	return nil
}

// OperatorPID and ServerPID are the process ids of what runs.
func (s *Stack) OperatorPID() int { return s.operator.process.PID() }

// ServerPID is the authorization server's process id.
func (s *Stack) ServerPID() int { return s.server.process.PID() }

// WipeServer removes the stopped authorization server's database.
func (s *Stack) WipeServer() error {
	if err := os.RemoveAll(s.serverData()); err != nil {
		return fmt.Errorf("remove the server's data: %w", err)
	}
	return os.MkdirAll(s.serverData(), 0o700)
}

// start runs the product's binary and waits until it is ready.
func (p *product) start(ctx context.Context) error {
	binary := filepath.Join(p.stack.root, "bin", "clientele")
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("the product is not built, run `make build`: %w", err)
	}
	for _, held := range p.ports {
		held.release()
	}
	process, err := child.Start(child.Spec{Name: p.name, Path: binary, Args: p.args, Env: p.env, Log: p.stack.log(p.name)})
	if err != nil {
		return err
	}
	p.process, p.expected = process, &atomic.Bool{}
	err = plane.WaitReady(ctx, process, productReady, func(ctx context.Context) error {
		return plane.GetOK(ctx, http.DefaultClient, p.readyURL, "")
	})
	if err != nil {
		return err
	}
	p.stack.watch(process, p.expected.Load)
	return nil
}

// stop ends the process, if it runs.
func (p *product) stop() error {
	if p.process == nil {
		return nil
	}
	p.expected.Store(true)
	return p.process.Stop()
}
