package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/internal/stack"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bed is what is measured: the whole stack, its authorization server on one core.
type bed struct {
	*stack.Stack
	client client.WithWatch
	// apiServer reads the API server's metrics.
	apiServer *http.Client
}

func newBed(ctx context.Context) (*bed, error) {
	dir, err := os.MkdirTemp("", "clientele-bench-")
	if err != nil {
		return nil, err
	}
	ctx, died := context.WithCancelCause(ctx)
	report := &stack.Reporter{Out: os.Stdout, Now: time.Now}
	s, err := stack.New(stack.Options{Dir: dir, ServerEnv: []string{"GOMAXPROCS=1"}, ControllerManager: true, Report: report, Died: died})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b := &bed{Stack: s}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return b, nil
}

func (b *bed) start(ctx context.Context) error {
	if err := b.Report.All(ctx, b.StartSteps()); err != nil {
		return err
	}
	config := rest.CopyConfig(b.Admin())
	config.QPS = -1
	var err error
	if b.apiServer, err = rest.HTTPClientFor(config); err != nil {
		return err
	}
	scheme := b.Stack.Client().Scheme()
	if err := api.AddToScheme(scheme); err != nil {
		return err
	}
	b.client, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	return err
}

// stop stops everything; the logs stay only if something was wrong.
func (b *bed) stop(failed bool) error {
	err := b.Stop()
	if failed || err != nil {
		fmt.Println("the logs are in", b.Logs())
		return errors.Join(err, b.RemoveData())
	}
	return os.RemoveAll(b.Dir)
}

// addr is where the authorization server listens, host:port.
func (b *bed) addr() string {
	issuer, err := url.Parse(b.Issuer())
	if err != nil {
		return ""
	}
	return issuer.Host
}

func (b *bed) apiServerMetrics(ctx context.Context) (samples, error) {
	return scrape(ctx, b.apiServer, b.Admin().Host+"/metrics")
}

// serverKey names the AuthorizationServer.
func serverKey() types.NamespacedName {
	return types.NamespacedName{Namespace: stack.SystemNamespace, Name: api.DefaultServerName}
}
