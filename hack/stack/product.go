package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"clientele.dev/clientele/hack/internal/child"
	"clientele.dev/clientele/hack/internal/plane"
)

// productReady bounds the start of the operator and of the server.
const productReady = time.Minute

// serverName is the AuthorizationServer that the stack serves.
const serverName = "default"

func (s *stack) startOperator(ctx context.Context) (string, error) {
	s.ports.operatorHealth.release()
	s.ports.operatorMetrics.release()
	err := s.startProduct(ctx, "operator", s.ports.operatorHealth.url()+"/readyz",
		"manager",
		"--kubeconfig="+s.operatorIdentity().kubeconfig,
		"--namespace="+systemNamespace,
		"--service-account="+s.operatorIdentity().name,
		"--authorization-server-namespaces="+systemNamespace,
		"--metrics-bind-address="+s.ports.operatorMetrics.address(),
		"--health-probe-bind-address="+s.ports.operatorHealth.address(),
		"--leader-elect=true",
	)
	return "operator ready", err
}

func (s *stack) startServer(ctx context.Context) (string, error) {
	s.ports.server.release()
	s.ports.serverMetrics.release()
	err := s.startProduct(ctx, "server", s.issuer()+"/readyz",
		"server",
		"--kubeconfig="+s.serverIdentity().kubeconfig,
		"--authorization-server="+systemNamespace+"/"+serverName,
		"--listen-address="+s.ports.server.address(),
		"--metrics-address="+s.ports.serverMetrics.address(),
		"--data-dir="+s.serverData(),
	)
	return "authorization server ready at " + s.issuer(), err
}

// startProduct runs a subcommand of the product's binary and waits until the
// URL answers 200.
func (s *stack) startProduct(ctx context.Context, name, readyURL string, args ...string) error {
	binary := filepath.Join(s.root, "bin", "clientele")
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("the product is not built, run `make build`: %w", err)
	}
	p, err := child.Start(child.Spec{Name: name, Path: binary, Args: args, Log: s.log(name)})
	if err != nil {
		return err
	}
	s.product = append(s.product, p)
	err = plane.WaitReady(ctx, p, productReady, func(ctx context.Context) error {
		return plane.GetOK(ctx, http.DefaultClient, readyURL, "")
	})
	if err != nil {
		return err
	}
	s.watch(p)
	return nil
}
