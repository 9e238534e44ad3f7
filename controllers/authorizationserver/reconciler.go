package authorizationserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// foreignRetry is how soon a Secret of somebody else that has one of our names is
// looked at again: without our label it is in no cache, so nobody tells when it
// goes.
const foreignRetry = time.Minute

// safety is how soon to look again where an event is expected.
const safety = 10 * time.Minute

// Options says what a Reconciler works with. All are required.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Servers speak to the authorization servers.
	Servers *registrar.Servers
	// Managed has what is known of the objects of Managed servers.
	Managed *managed.States
	// Recorder takes the events.
	Recorder events.EventRecorder
	// Missing lists the objects, as namespace/name, that are still to be registered at a
	// server.
	Missing func(context.Context, *registrar.Server) ([]string, error)
	// Namespaces in which an AuthorizationServer counts.
	Namespaces []string
	// Now is the clock.
	Now func() time.Time
}

// Reconciler keeps the status of AuthorizationServers.
type Reconciler struct {
	Options
	counts *counts
	board  *notice.Board
}

// New returns a Reconciler.
func New(o Options) *Reconciler {
	board := notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "AuthorizationServer", Conditions: toldConditions})
	return &Reconciler{o, newCounts(), board}
}

// DroppedEvents counts the events that exceeded their budget.
func (r *Reconciler) DroppedEvents() int64 { return r.board.Dropped() }

// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch;manage
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers/status,verbs=patch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=oauthclients,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create

// Reconcile looks at one AuthorizationServer.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	as := &v1alpha1.AuthorizationServer{}
	err := r.Client.Get(ctx, req.NamespacedName, as)
	if apierrors.IsNotFound(err) {
		r.Servers.Forget(req.NamespacedName)
		r.board.Forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read AuthorizationServer %s: %w", req, err)
	}
	if !as.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	seen, err := r.gather(ctx, as)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !seen.counted {
		return r.elsewhere(ctx, as, seen)
	}
	if (seen.unasked() || seen.unlooked(as)) && told(as) {
		// The operator has just started. What was told stays until more is known;
		// the inventory loop, or the controller of Managed servers, calls again.
		return ctrl.Result{RequeueAfter: safety}, nil
	}
	if err := r.patch(ctx, as, judge(as, seen)); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: lookAgain(as, seen)}, nil
}

// elsewhere leaves an AuthorizationServer that does not count here to another operator. If
// none has taken it in time, the status says that it does not count, once and never over
// what another operator wrote.
func (r *Reconciler) elsewhere(ctx context.Context, as *v1alpha1.AuthorizationServer, seen observed) (ctrl.Result, error) {
	if len(as.Status.Conditions) > 0 {
		r.board.Forget(client.ObjectKeyFromObject(as))
		return ctrl.Result{}, nil
	}
	if left := status.Patience - seen.now.Sub(as.CreationTimestamp.Time); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return ctrl.Result{}, status.PatchFirst(ctx, r.Client, as, slim(as, as.Status), slim(as, judge(as, seen)))
}

// slim has nothing of an AuthorizationServer but its name and a status.
func slim(as *v1alpha1.AuthorizationServer, s v1alpha1.AuthorizationServerStatus) *v1alpha1.AuthorizationServer {
	out := &v1alpha1.AuthorizationServer{Status: s}
	out.Namespace, out.Name = as.Namespace, as.Name
	return out
}

// told says that the status tells of the spec as it is.
func told(as *v1alpha1.AuthorizationServer) bool {
	return as.Status.ObservedGeneration == as.Generation && len(as.Status.Conditions) > 0
}

// unasked says that the server has not answered yet, nor failed to, and that
// nothing else is wrong.
func (o observed) unasked() bool {
	return o.counted && !o.state.Synced && o.state.Err == nil && o.serverKeys.problem == "" && o.signing.problem == ""
}

// unlooked says that the objects of a Managed server have not been looked at yet.
func (o observed) unlooked(as *v1alpha1.AuthorizationServer) bool {
	return o.counted && as.Spec.Type == v1alpha1.AuthorizationServerManaged && !o.looked
}

// gather collects what the status is to be judged by.
func (r *Reconciler) gather(ctx context.Context, as *v1alpha1.AuthorizationServer) (observed, error) {
	o := observed{now: r.Now(), counted: slices.Contains(r.Namespaces, as.Namespace)}
	if !o.counted {
		r.Servers.Forget(client.ObjectKeyFromObject(as))
		return o, nil
	}
	if as.Spec.Type == v1alpha1.AuthorizationServerManaged {
		o.managed, o.looked = r.Managed.Get(client.ObjectKeyFromObject(as))
	}
	server := r.Servers.For(as)
	o.state, o.brake = server.State(), server.Brake().State()
	if o.state.Synced && o.state.Err == nil && counting(as) {
		o.selfRegistered = r.counts.of(ctx, server, o.now)
	}
	var err error
	if o.store, err = r.complete(ctx, server, o.state); err != nil {
		return o, err
	}
	o.state = server.State()
	if o.serverKeys, err = r.ensureServerKeys(ctx, as); err != nil {
		return o, err
	}
	o.signing, err = r.readSigningKeys(ctx, as)
	return o, err
}

// patch writes the status if it differs from what is there.
func (r *Reconciler) patch(ctx context.Context, as *v1alpha1.AuthorizationServer, next v1alpha1.AuthorizationServerStatus) error {
	if equality.Semantic.DeepEqual(as.Status, next) {
		return nil
	}
	if err := status.Patch(ctx, r.Client, as.UID, slim(as, as.Status), slim(as, next)); err != nil {
		return err
	}
	r.tell(as, next)
	return nil
}

// lookAgain is when time alone changes the judgement; zero: never.
func lookAgain(as *v1alpha1.AuthorizationServer, o observed) time.Duration {
	if o.serverKeys.foreign || o.signing.foreign {
		return foreignRetry
	}
	var next time.Duration
	if o.counted && o.incomplete() {
		return incompleteRetry
	}
	if left := graceLeft(o); left > 0 {
		return left
	}
	if due, ok := rotationDue(as, o.signing); ok && due.After(o.now) {
		next = due.Sub(o.now)
	}
	if o.counted && counting(as) && (next == 0 || next > countEvery) {
		next = countEvery
	}
	return next
}
