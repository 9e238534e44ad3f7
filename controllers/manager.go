package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/managed"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// leaseName is the Lease that leaders hold, in the operator's namespace.
	leaseName = "clientele-operator"
	// reconcileTimeout bounds one reconciliation: nothing it waits for may hold a
	// worker for good.
	reconcileTimeout = 2 * time.Minute
	// shutdownTimeout is how long reconciliations that run have to end.
	shutdownTimeout = 20 * time.Second
)

// newManager builds the manager: caches, leader election, health, metrics. watched are the
// namespaces of OAuthClients and ScopePolicies; empty: all.
func newManager(ctx context.Context, o Options, watched []string) (ctrl.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	caching, err := cacheOptions(o, watched)
	if err != nil {
		return nil, err
	}
	// The API server's priority and fairness governs how fast we may be.
	c := rest.CopyConfig(o.Config)
	c.QPS = -1
	mgr, err := ctrl.NewManager(c, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         caching,
		Logger:                        o.Log,
		LeaderElection:                o.LeaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.Namespace,
		LeaderElectionReleaseOnCancel: true,
		Metrics:                       server.Options{BindAddress: o.MetricsBindAddress},
		HealthProbeBindAddress:        o.HealthProbeBindAddress,
		GracefulShutdownTimeout:       new(shutdownTimeout),
		Controller: config.Controller{
			ReconciliationTimeout: reconcileTimeout,
			// Names are checked per process; a test runs more than one operator.
			SkipNameValidation: new(true),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("build the operator: %w", err)
	}
	return mgr, addHealth(ctx, mgr)
}

func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, managed.AddToScheme, authenticationv1.AddToScheme} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("build the scheme: %w", err)
		}
	}
	return s, nil
}

// cacheOptions keep the cache small, and free of Secrets that are not the
// operator's own. Where not all namespaces are watched, none but Namespaces themselves are
// read in the whole cluster.
func cacheOptions(o Options, watched []string) (cache.Options, error) {
	ours, err := labels.NewRequirement(v1alpha1.LabelSecretKind, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("select the operator's Secrets: %w", err)
	}
	byObject := managed.Caching(o.AuthorizationServerNamespaces)
	secrets := cache.ByObject{Label: labels.NewSelector().Add(*ours)}
	if len(watched) > 0 {
		secrets.Namespaces = everyOne(watched)
		for _, kind := range []client.Object{&v1alpha1.OAuthClient{}, &v1alpha1.ScopePolicy{}} {
			byObject[kind] = cache.ByObject{Namespaces: everyOne(watched)}
		}
		for _, kind := range []client.Object{&v1alpha1.AuthorizationServer{}, &v1alpha1.NamespaceAccess{}} {
			byObject[kind] = cache.ByObject{Namespaces: everyOne(o.AuthorizationServerNamespaces)}
		}
	}
	byObject[&corev1.Secret{}] = secrets
	return cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: byObject}, nil
}

func everyOne(namespaces []string) map[string]cache.Config {
	configs := map[string]cache.Config{}
	for _, namespace := range namespaces {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// addHealth makes /readyz say whether the caches are filled. A replica that is
// not the leader fills them too, so that it can take over at once.
func addHealth(ctx context.Context, mgr ctrl.Manager) error {
	for _, kind := range []client.Object{
		&v1alpha1.AuthorizationServer{}, &v1alpha1.OAuthClient{}, &v1alpha1.ScopePolicy{}, &v1alpha1.NamespaceAccess{}, &corev1.Secret{}, &corev1.Namespace{},
	} {
		if _, err := mgr.GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T (are the CRDs of config/crd installed?): %w", kind, err)
		}
	}
	var synced atomic.Bool
	return errors.Join(
		mgr.Add(everywhere(func(ctx context.Context) error {
			synced.Store(mgr.GetCache().WaitForCacheSync(ctx))
			return nil
		})),
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("caches", func(*http.Request) error {
			if !synced.Load() {
				return errors.New("the caches are not filled yet")
			}
			return nil
		}),
	)
}

// everywhere runs also where the manager is not the leader.
type everywhere manager.RunnableFunc

// Start runs the function.
func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection: no.
func (f everywhere) NeedLeaderElection() bool { return false }
