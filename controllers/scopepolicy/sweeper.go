package scopepolicy

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// livePage is how many ScopePolicies are read at once past the cache.
const livePage = 500

// Sweeper takes ScopePolicies out of force that are gone from Kubernetes. It is
// called with the AuthorizationServer's name.
//
// It needs no brake, unlike deregistration: a policy that is missing only
// tightens, and it is put back as soon as it is seen again. But what only the
// cache lacks is never taken for gone.
type Sweeper struct{ Options }

// NewSweeper returns a Sweeper.
func NewSweeper(o Options) *Sweeper { return &Sweeper{o} }

// Reconcile removes from one server what it should not hold any more.
func (s *Sweeper) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	server, known := s.Servers.Lookup(req.NamespacedName)
	if !known || !server.Inventory().Synced() {
		return ctrl.Result{}, nil // the inventory loop calls again
	}
	suspects, err := s.suspects(ctx, server)
	if err != nil || len(suspects) == 0 {
		return ctrl.Result{}, err
	}
	if err := s.clear(ctx, req.NamespacedName, suspects); err != nil {
		return ctrl.Result{}, err
	}
	for uid := range suspects {
		if err := server.DeletePolicy(ctx, uid); err != nil {
			x := registrar.Explain(err)
			ctrl.LoggerFrom(ctx).Info("cannot take a deleted ScopePolicy out of force yet", "uid", uid, "reason", x.Reason)
			return ctrl.Result{RequeueAfter: max(x.RetryAfter, retry)}, nil
		}
	}
	return ctrl.Result{}, nil
}

// suspects are the uids that the server holds and the cache does not.
func (s *Sweeper) suspects(ctx context.Context, server *registrar.Server) (map[string]struct{}, error) {
	suspects := map[string]struct{}{}
	for _, uid := range server.Inventory().PolicyUIDs() {
		suspects[uid] = struct{}{}
	}
	if len(suspects) == 0 {
		return nil, nil
	}
	var cached v1alpha1.ScopePolicyList
	if err := s.Client.List(ctx, &cached, client.MatchingFields{indexServer: server.Key().String()}); err != nil {
		return nil, fmt.Errorf("list the ScopePolicies of %s: %w", server.Key(), err)
	}
	for i := range cached.Items {
		if cached.Items[i].DeletionTimestamp.IsZero() {
			delete(suspects, string(cached.Items[i].UID))
		}
	}
	return suspects, nil
}

// clear clears those of suspicion that the API server has, in the namespaces that are
// watched. If that cannot be asked, or does not know the kind, nobody is gone.
func (s *Sweeper) clear(ctx context.Context, server registrar.Key, suspects map[string]struct{}) error {
	if len(s.Watched) == 0 {
		return s.clearIn(ctx, server, metav1.NamespaceAll, suspects)
	}
	for _, namespace := range s.Watched {
		if err := s.clearIn(ctx, server, namespace, suspects); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sweeper) clearIn(ctx context.Context, server registrar.Key, namespace string, suspects map[string]struct{}) error {
	page := ""
	for {
		var live v1alpha1.ScopePolicyList
		if err := s.Live.List(ctx, &live, client.InNamespace(namespace), client.Limit(livePage), client.Continue(page)); err != nil {
			return fmt.Errorf("list the ScopePolicies past the cache: %w", err)
		}
		for i := range live.Items {
			sp := &live.Items[i]
			if key, _ := s.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef); sp.DeletionTimestamp.IsZero() && key == server {
				delete(suspects, string(sp.UID))
			}
		}
		if page = live.Continue; page == "" {
			return nil
		}
	}
}
