package stack

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"clientele.dev/clientele/hack/internal/manifests"
	"clientele.dev/clientele/hack/internal/plane"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// applyWithin bounds one folder of manifests.
const applyWithin = time.Minute

// StartSteps bring up the whole, up to a server that answers.
func (s *Stack) StartSteps() []Step {
	steps := []Step{
		{"start etcd", s.startEtcd},
		{"start the API server", s.startAPIServer},
		{"install the CRDs and roles", s.installConfig},
	}
	if s.ControllerManager {
		// After the CRDs: the garbage collector looks for new kinds only twice a minute.
		steps = append(steps, Step{"start kube-controller-manager", s.startControllerManager})
	}
	steps = append(steps, []Step{
		{"make kubeconfigs for the operator and the server", s.makeIdentities},
		{"make the demo user", s.makeDemoUser},
		{"create the AuthorizationServer", s.createAuthorizationServer},
		{"start the operator", s.StartOperator},
	}...)
	if s.Postgres {
		steps = append(steps, Step{"start PostgreSQL", s.startPostgres})
	}
	return append(steps, Step{"start the authorization server", s.StartServer})
}

func (s *Stack) startEtcd(ctx context.Context) (string, error) {
	return "etcd ready", s.plane.StartEtcd(ctx)
}

func (s *Stack) startAPIServer(ctx context.Context) (string, error) {
	if err := s.plane.StartAPIServer(ctx); err != nil {
		return "", err
	}
	for _, p := range s.plane.Processes() {
		s.watch(p, nil)
	}
	c, err := client.New(s.plane.Admin(), client.Options{})
	if err != nil {
		return "", fmt.Errorf("make a client: %w", err)
	}
	s.client = c
	return "API server ready", plane.WriteKubeconfig(s.AdminKubeconfig(), s.plane.Admin(), "")
}

func (s *Stack) startControllerManager(ctx context.Context) (string, error) {
	if err := s.plane.StartControllerManager(ctx); err != nil {
		return "", err
	}
	running := s.plane.Processes()
	s.watch(running[len(running)-1], nil)
	return "kube-controller-manager ready", nil
}

func (s *Stack) installConfig(ctx context.Context) (string, error) {
	crds, err := manifests.Read(filepath.Join(s.root, "config", "crd"))
	if err != nil {
		return "", err
	}
	rights, err := manifests.Rights(s.root)
	if err != nil {
		return "", err
	}
	if err := manifests.Apply(ctx, s.client, append(crds, rights...), applyWithin); err != nil {
		return "", err
	}
	return fmt.Sprintf("CRDs and roles installed (%d objects)", len(crds)+len(rights)), nil
}
