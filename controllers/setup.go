package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
)

// Options says how the operator runs.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// Namespace is the operator's own: its lease, its ServiceAccount, and the
	// AuthorizationServer that objects without a serverRef belong to.
	Namespace string
	// ServiceAccount in Namespace, as which the operator speaks to authorization
	// servers.
	ServiceAccount string
	// AuthorizationServerNamespaces are the namespaces in which an
	// AuthorizationServer counts. Empty: Namespace.
	AuthorizationServerNamespaces []string
	// MetricsBindAddress and HealthProbeBindAddress are host:port; "0" switches
	// the listener off.
	MetricsBindAddress     string
	HealthProbeBindAddress string
	// LeaderElect lets several operators run, of which one works.
	LeaderElect bool
	// Log takes every line the operator writes.
	Log logr.Logger
	// Now is the clock.
	Now func() time.Time
}

// Run runs the operator until ctx ends. It returns nil if that was why it
// stopped.
func Run(ctx context.Context, o Options) error {
	return errors.New("not wired yet")
}
