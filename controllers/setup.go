package controllers

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/controllers/authorizationserver"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/controllers/namespaceaccess"
	"clientele.dev/clientele/controllers/oauthclient"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/controllers/scopepolicy"
	"clientele.dev/clientele/controllers/signingkey"
	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Run runs the operator until ctx ends. It returns nil if that was why it
// stopped. It also hands o.Log to controller-runtime, which has one logger for
// the whole process.
func Run(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return err
	}
	ctrl.SetLogger(o.Log)
	mgr, err := newManager(ctx, o)
	if err != nil {
		return err
	}
	collectors, err := register(ctx, mgr, o)
	if err != nil {
		return err
	}
	remove, err := expose(collectors)
	if err != nil {
		return err
	}
	defer remove()
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run the operator: %w", err)
	}
	return nil
}

// register puts every controller into the manager, and returns what they measure.
func register(ctx context.Context, mgr ctrl.Manager, o Options) ([]prometheus.Collector, error) {
	recorder := mgr.GetEventRecorder("clientele-operator")
	// Not the manager's client: it would cache every ConfigMap and Secret.
	direct, err := client.NewWithWatch(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	servers := registrar.NewServers(registrar.Options{
		Bundles: registrar.WatchBundles{Client: direct},
		Tokens:  registrar.ServiceAccount{Client: mgr.GetClient(), Namespace: o.Namespace, Name: o.ServiceAccount},
		Now:     o.Now,
		Log:     o.Log.WithName("registrar"),
	})
	audiences := &scopepolicy.APIServerAudiences{Client: mgr.GetClient(), Namespace: o.Namespace, Name: o.ServiceAccount, Now: o.Now}
	policyOptions := scopepolicy.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers, Recorder: recorder, Audiences: audiences.Get,
		Namespace: o.Namespace, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	}
	policies := scopepolicy.New(policyOptions)
	accesses := namespaceaccess.New(namespaceaccess.Options{
		Client: mgr.GetClient(), Recorder: recorder, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	})
	clients := oauthclient.New(oauthclient.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers, Recorder: recorder, Audiences: audiences.Get,
		Namespace: o.Namespace, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	})
	states := managed.NewStates()
	managedServers := managed.New(managed.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, States: states,
		Namespace: o.Namespace, Namespaces: o.AuthorizationServerNamespaces,
		Image: o.Image, ClusterDomain: o.ClusterDomain, CertificateLifetime: o.CertificateLifetime, Rand: keys.Rand(), Now: o.Now,
	})
	authorizationServers := authorizationserver.New(authorizationserver.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers, Managed: states, Recorder: recorder,
		Missing:    missing(clients.Unregistered, policies.Unpushed),
		Namespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	})
	err = errors.Join(
		scopepolicy.AddIndexes(ctx, mgr.GetFieldIndexer(), o.Namespace),
		managedServers.SetupWithManager(mgr),
		authorizationServers.SetupWithManager(mgr, o.Namespace),
		signingkey.New(signingkey.Options{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder,
			Replicas: signingkey.AskReplicas(servers), Namespaces: o.AuthorizationServerNamespaces, Now: o.Now,
		}).SetupWithManager(mgr, servers),
		accesses.SetupWithManager(mgr),
		policies.SetupWithManager(mgr),
		scopepolicy.NewSweeper(policyOptions).SetupWithManager(mgr),
		clients.SetupWithManager(mgr),
		mgr.Add(servers),
	)
	if err != nil {
		return nil, err
	}
	state, err := newCollector(ctx, mgr, collector{
		own: o.Namespace, leads: mgr.Elected(), registrar: servers, tombstones: clients.Tombstones,
		dropped: func() int64 {
			return clients.DroppedEvents() + policies.DroppedEvents() + authorizationServers.DroppedEvents() + managedServers.DroppedEvents() + accesses.DroppedEvents()
		},
	})
	return []prometheus.Collector{clients.Metrics(), state, buildInfo(o.Version)}, err
}

// missing lists what several controllers say is missing at a server.
func missing(of ...func(context.Context, *registrar.Server) ([]string, error)) func(context.Context, *registrar.Server) ([]string, error) {
	return func(ctx context.Context, server *registrar.Server) ([]string, error) {
		var all []string
		for _, list := range of {
			some, err := list(ctx, server)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	}
}
