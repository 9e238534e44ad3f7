package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/controllers/authorizationserver"
	"clientele.dev/clientele/controllers/internal/written"
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
	if len(o.WatchNamespaces) == 0 {
		return run(ctx, o, nil)
	}
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	live, err := client.New(o.Config, client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("make a client of the API server: %w", err)
	}
	n := &namespaces{options: o, live: live}
	for ctx.Err() == nil {
		watched, err := n.listable(ctx, nil)
		if err != nil {
			return err
		}
		if err := runWhile(ctx, func(ctx context.Context) { n.changed(ctx, watched) }, func(ctx context.Context) error { return run(ctx, o, watched) }); err != nil {
			return err
		}
	}
	return nil
}

// runWhile runs something until it returns, or until another function does.
func runWhile(ctx context.Context, until func(context.Context), what func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		until(ctx)
		cancel()
	}()
	err := what(ctx)
	cancel()
	<-done
	return err
}

// run runs the operator with the OAuthClients and ScopePolicies of some namespaces; empty:
// of all.
func run(ctx context.Context, o Options, watched []string) error {
	mgr, err := newManager(ctx, o, watched)
	if err != nil {
		return err
	}
	collectors, err := register(ctx, mgr, o, watched)
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
func register(ctx context.Context, mgr ctrl.Manager, o Options, watched []string) ([]prometheus.Collector, error) {
	cached, operator := written.New(mgr.GetClient(), o.Now), o.operator()
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
		Client: cached, Live: mgr.GetAPIReader(), Servers: servers, Recorder: recorder, Audiences: audiences.Get,
		Operator: operator, Watched: watched, Now: o.Now,
	}
	policies := scopepolicy.New(policyOptions)
	accesses := namespaceaccess.New(namespaceaccess.Options{
		Client: cached, Recorder: recorder, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	})
	clients := oauthclient.New(oauthclient.Options{
		Client: cached, Live: mgr.GetAPIReader(), Servers: servers, Recorder: recorder, Audiences: audiences.Get,
		Operator: operator, Watched: watches(watched), Now: o.Now,
	})
	states := managed.NewStates()
	managedServers := managed.New(managed.Options{
		Client: cached, Live: mgr.GetAPIReader(), Recorder: recorder, States: states,
		Namespace: o.Namespace, Namespaces: o.AuthorizationServerNamespaces,
		Image: o.Image, ClusterDomain: o.ClusterDomain, CertificateLifetime: o.CertificateLifetime, Rand: keys.Rand(), Now: o.Now,
	})
	authorizationServers := authorizationserver.New(authorizationserver.Options{
		Client: cached, Live: mgr.GetAPIReader(), Servers: servers, Managed: states, Recorder: recorder,
		Missing:    missing(clients.Unregistered, policies.Unpushed),
		Namespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	})
	err = errors.Join(
		scopepolicy.AddIndexes(ctx, mgr.GetFieldIndexer(), operator),
		managedServers.SetupWithManager(mgr),
		authorizationServers.SetupWithManager(mgr, operator),
		signingkey.New(signingkey.Options{
			Client: cached, Live: mgr.GetAPIReader(), Recorder: recorder,
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
		operator: operator, leads: mgr.Elected(), registrar: servers, tombstones: clients.Tombstones,
		dropped: func() int64 {
			return clients.DroppedEvents() + policies.DroppedEvents() + authorizationServers.DroppedEvents() + managedServers.DroppedEvents() + accesses.DroppedEvents()
		},
	})
	return []prometheus.Collector{clients.Metrics(), state, buildInfo(o.Version)}, err
}

// watches says whether a namespace is among those that are watched; empty: all.
func watches(watched []string) func(string) bool {
	return func(namespace string) bool { return len(watched) == 0 || slices.Contains(watched, namespace) }
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
