package scopepolicy

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// retry is how soon a failed exchange with the server is tried again. A
	// server that comes back is noticed sooner, by the inventory loop.
	retry = 5 * time.Second
	// safety is how soon to look again where an event is expected.
	safety = 10 * time.Minute
)

// Options says what a Reconciler works with. All but Watched are required.
type Options struct {
	// Client reads from the cache and writes. The cache has the indexes of
	// AddIndexes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Servers speak to the authorization servers.
	Servers *registrar.Servers
	// Recorder takes the events.
	Recorder events.EventRecorder
	// Audiences tells those of the API server, which nobody may declare.
	Audiences func(context.Context) ([]string, error)
	// Operator says which ScopePolicies are reconciled.
	Operator rules.Operator
	// Watched are the namespaces whose ScopePolicies are in the cache. Empty: all.
	Watched []string
	// Now is the clock.
	Now func() time.Time
}

// Reconciler puts ScopePolicies in force.
type Reconciler struct {
	Options
	board *notice.Board
}

// New returns a Reconciler.
func New(o Options) *Reconciler {
	return &Reconciler{o, notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "ScopePolicy", Conditions: toldConditions})}
}

// DroppedEvents counts the events that exceeded their budget.
func (r *Reconciler) DroppedEvents() int64 { return r.board.Dropped() }

// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=scopepolicies;namespaceaccesses,verbs=get;list;watch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=scopepolicies/status,verbs=patch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// Reconcile brings one ScopePolicy in force, or out of it.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	sp := &v1alpha1.ScopePolicy{}
	if err := r.Client.Get(ctx, req.NamespacedName, sp); err != nil {
		if apierrors.IsNotFound(err) {
			r.board.Forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !sp.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // the sweeper's
	}
	if _, mine := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef); !mine {
		return r.notMine(ctx, sp)
	}
	seen, err := r.gather(ctx, sp)
	if err != nil {
		return ctrl.Result{}, err
	}
	if seen.as != nil {
		if state := r.Servers.For(seen.as).State(); !state.Synced && state.Err == nil && told(sp) {
			// The operator has just started. What was told stays until more is
			// known; the inventory loop calls again.
			return ctrl.Result{RequeueAfter: safety}, nil
		}
		seen.exchange = r.enforce(ctx, sp, seen)
	}
	v, now := judge(seen), r.Now()
	next := statusOf(sp, seen, v, now)
	if err := r.patch(ctx, sp, next); err != nil {
		return ctrl.Result{}, err
	}
	if ends := status.PatienceEnds(next.Conditions, sp.Generation); ends.After(now) {
		v.again = ends.Sub(now)
	}
	return ctrl.Result{RequeueAfter: v.again}, nil
}

// notMine leaves a ScopePolicy to the operator that it belongs to. If none has taken it in
// time, the status says why, once and never over what another operator wrote: its
// AuthorizationServer is in a namespace that does not count.
func (r *Reconciler) notMine(ctx context.Context, sp *v1alpha1.ScopePolicy) (ctrl.Result, error) {
	if !r.Operator.Unserved(sp.Spec.ServerRef, sp.Status.ServerRef) {
		r.board.Forget(client.ObjectKeyFromObject(sp))
		return ctrl.Result{}, nil
	}
	now := r.Now()
	if left := status.Patience - now.Sub(sp.CreationTimestamp.Time); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	key, _ := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef)
	seen := observed{key: key}
	next := statusOf(sp, seen, judge(seen), now)
	return ctrl.Result{}, status.PatchFirst(ctx, r.Client, sp, slim(sp, sp.Status), slim(sp, next))
}

// slim has nothing of a ScopePolicy but its name and a status.
func slim(sp *v1alpha1.ScopePolicy, s v1alpha1.ScopePolicyStatus) *v1alpha1.ScopePolicy {
	out := &v1alpha1.ScopePolicy{Status: s}
	out.Namespace, out.Name = sp.Namespace, sp.Name
	return out
}

// told says that the status tells of the spec as it is.
func told(sp *v1alpha1.ScopePolicy) bool {
	return sp.Status.ObservedGeneration == sp.Generation && len(sp.Status.Conditions) > 0
}

// observed is everything that the status is judged by.
type observed struct {
	// key names the AuthorizationServer; as is nil if there is none that counts.
	key registrar.Key
	as  *v1alpha1.AuthorizationServer
	// counted: as may lie in its namespace.
	counted bool
	claim   claimVerdict
	// exchange is why the server could not be brought to what it should hold.
	exchange error
}

func (r *Reconciler) gather(ctx context.Context, sp *v1alpha1.ScopePolicy) (observed, error) {
	key, _ := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef)
	o := observed{key: key, counted: r.Operator.Serves(key.Namespace)}
	if !o.counted {
		return o, nil
	}
	as := &v1alpha1.AuthorizationServer{}
	if err := r.Client.Get(ctx, key, as); err != nil {
		return o, client.IgnoreNotFound(err)
	}
	audiences, err := r.Audiences(ctx)
	if err != nil {
		return o, err
	}
	mine, all, err := r.claims(ctx, key, sp)
	if err != nil {
		return o, err
	}
	given, err := r.accessAt(ctx, key)
	if err != nil {
		return o, err
	}
	o.as, o.claim = as, judgeClaim(authority{as, given, audiences}, mine, all)
	return o, nil
}

// accessAt reads the NamespaceAccesses of a server.
func (r *Reconciler) accessAt(ctx context.Context, server registrar.Key) (access.Server, error) {
	var list v1alpha1.NamespaceAccessList
	if err := r.Client.List(ctx, &list, client.InNamespace(server.Namespace)); err != nil {
		return access.Server{}, fmt.Errorf("list the NamespaceAccesses of AuthorizationServer %s: %w", server, err)
	}
	return access.Of(server, list.Items), nil
}

// claims returns the policy's own claim and all to the same resource of the same
// server.
func (r *Reconciler) claims(ctx context.Context, server registrar.Key, sp *v1alpha1.ScopePolicy) (claim, []claim, error) {
	mine, err := r.claimOf(ctx, sp)
	if err != nil {
		return claim{}, nil, err
	}
	var list v1alpha1.ScopePolicyList
	if err := r.Client.List(ctx, &list, client.MatchingFields{indexClaim: claimKey(server, sp)}); err != nil {
		return claim{}, nil, fmt.Errorf("list the ScopePolicies for %s: %w", sp.Spec.Resource, err)
	}
	all := []claim{mine}
	for i := range list.Items {
		if list.Items[i].UID == sp.UID {
			continue
		}
		c, err := r.claimOf(ctx, &list.Items[i])
		if err != nil {
			return claim{}, nil, err
		}
		all = append(all, c)
	}
	return mine, all, nil
}

func (r *Reconciler) claimOf(ctx context.Context, sp *v1alpha1.ScopePolicy) (claim, error) {
	ns := &corev1.Namespace{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: sp.Namespace}, ns)
	if apierrors.IsNotFound(err) {
		// The namespace's cache lags behind, or it is on its way out: no labels.
		ns.Name, err = sp.Namespace, nil
	}
	if err != nil {
		return claim{}, fmt.Errorf("read namespace %s: %w", sp.Namespace, err)
	}
	return claim{policy: sp, namespace: ns}, nil
}

// enforce makes the server hold the policy if its claim stands, and not hold it
// if not.
func (r *Reconciler) enforce(ctx context.Context, sp *v1alpha1.ScopePolicy, o observed) error {
	server := r.Servers.For(o.as)
	state := server.State()
	if !state.Synced {
		if state.Err != nil {
			return state.Err
		}
		return registrar.ErrNotSynced
	}
	digest, held := server.Inventory().Policy(string(sp.UID))
	if o.claim.denied != "" {
		if !held {
			return nil
		}
		return server.DeletePolicy(ctx, string(sp.UID))
	}
	want := rules.Policy(sp)
	if held && digest == want.Digest() {
		return nil
	}
	if err := server.PutPolicy(ctx, want); err != nil {
		return err
	}
	if digest, held = server.Inventory().Policy(string(sp.UID)); !held || digest != want.Digest() {
		// The store changed under us, or the server keeps something else than it
		// was sent.
		return registrar.ErrNotSynced
	}
	return nil
}

func (r *Reconciler) patch(ctx context.Context, sp *v1alpha1.ScopePolicy, next v1alpha1.ScopePolicyStatus) error {
	if equality.Semantic.DeepEqual(sp.Status, next) {
		return nil
	}
	if err := status.Patch(ctx, r.Client, sp.UID, slim(sp, sp.Status), slim(sp, next)); err != nil {
		return err
	}
	r.board.Changed(sp, sp.Status.Conditions, next.Conditions)
	return nil
}
