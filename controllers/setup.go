package controllers

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/controllers/authorizationserver"
	"clientele.dev/clientele/controllers/oauthclient"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/controllers/scopepolicy"
	"clientele.dev/clientele/controllers/signingkey"
	ctrl "sigs.k8s.io/controller-runtime"
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
	if err := register(ctx, mgr, o); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run the operator: %w", err)
	}
	return nil
}

// register puts every controller into the manager.
func register(ctx context.Context, mgr ctrl.Manager, o Options) error {
	servers := registrar.NewServers(registrar.Options{
		Tokens: registrar.ServiceAccount{Client: mgr.GetClient(), Namespace: o.Namespace, Name: o.ServiceAccount},
		Now:    o.Now,
		Log:    o.Log.WithName("registrar"),
	})
	audiences := &scopepolicy.APIServerAudiences{Client: mgr.GetClient(), Namespace: o.Namespace, Name: o.ServiceAccount, Now: o.Now}
	policies := scopepolicy.Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers, Audiences: audiences.Get,
		Namespace: o.Namespace, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
	}
	return errors.Join(
		scopepolicy.AddIndexes(ctx, mgr.GetFieldIndexer(), o.Namespace),
		authorizationserver.New(authorizationserver.Options{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers,
			Namespaces: o.AuthorizationServerNamespaces, Now: o.Now,
		}).SetupWithManager(mgr, o.Namespace),
		signingkey.New(signingkey.Options{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: mgr.GetEventRecorder("clientele-operator"),
			Replicas: signingkey.AskReplicas(servers), Namespaces: o.AuthorizationServerNamespaces, Now: o.Now,
		}).SetupWithManager(mgr, servers),
		scopepolicy.New(policies).SetupWithManager(mgr),
		scopepolicy.NewSweeper(policies).SetupWithManager(mgr),
		oauthclient.New(oauthclient.Options{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Servers: servers,
			Namespace: o.Namespace, ServerNamespaces: o.AuthorizationServerNamespaces, Now: o.Now,
		}).SetupWithManager(mgr),
		mgr.Add(servers),
	)
}
