package controllers

import (
	"errors"
	"time"

	"clientele.dev/clientele/controllers/internal/rules"
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
	// WatchNamespaces are the namespaces whose OAuthClients and ScopePolicies count, with
	// those of AuthorizationServerNamespaces. Empty: all, which needs the right to read
	// every Secret. One that may not be listed, or does not exist, is left out until it can
	// be.
	WatchNamespaces []string
	// CheckNamespacesEvery is how often WatchNamespaces are tried. Zero: 30 s.
	CheckNamespacesEvery time.Duration
	// ClaimDefault: OAuthClients and ScopePolicies whose serverRef names no namespace are
	// this operator's, but for those that another operator in the cluster has already.
	ClaimDefault bool
	// Image of Managed servers whose spec names none.
	Image string
	// ClusterDomain of Services. Empty: cluster.local.
	ClusterDomain string
	// CertificateLifetime is how long the serving certificates of Managed servers are
	// valid. Zero: 90 days.
	CertificateLifetime time.Duration
	// MetricsBindAddress and HealthProbeBindAddress are host:port; "0" switches
	// the listener off.
	MetricsBindAddress     string
	HealthProbeBindAddress string
	// LeaderElect lets several operators run, of which one works.
	LeaderElect bool
	// Version of the program, for a metric.
	Version string
	// Log takes every line the operator writes.
	Log logr.Logger
	// Now is the clock.
	Now func() time.Time
}

// complete fills in what is left out and checks the rest.
func (o *Options) complete() error {
	if o.Config == nil || o.Now == nil {
		return errors.New("run the operator: Config and Now must be set")
	}
	if o.Namespace == "" || o.ServiceAccount == "" {
		return errors.New("run the operator: --namespace and --service-account must be set")
	}
	if len(o.AuthorizationServerNamespaces) == 0 {
		o.AuthorizationServerNamespaces = []string{o.Namespace}
	}
	if o.CheckNamespacesEvery == 0 {
		o.CheckNamespacesEvery = 30 * time.Second
	}
	return nil
}

// operator says which objects are this operator's.
func (o *Options) operator() rules.Operator {
	return rules.Operator{Namespace: o.Namespace, ServerNamespaces: o.AuthorizationServerNamespaces, ClaimDefault: o.ClaimDefault}
}
