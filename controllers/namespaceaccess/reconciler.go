package namespaceaccess

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options says what a Reconciler works with. All are required.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Recorder takes the events.
	Recorder events.EventRecorder
	// ServerNamespaces are those in which an AuthorizationServer counts.
	ServerNamespaces []string
	// Now is the clock.
	Now func() time.Time
}

// Reconciler keeps the status of NamespaceAccesses.
type Reconciler struct {
	Options
	board *notice.Board
}

// New returns a Reconciler.
func New(o Options) *Reconciler {
	return &Reconciler{o, notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "NamespaceAccess", Conditions: toldConditions})}
}

// DroppedEvents counts the events that exceeded their budget.
func (r *Reconciler) DroppedEvents() int64 { return r.board.Dropped() }

// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=namespaceaccesses,verbs=get;list;watch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=namespaceaccesses/status,verbs=patch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// Reconcile looks at one NamespaceAccess.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	o := &v1alpha1.NamespaceAccess{}
	if err := r.Client.Get(ctx, req.NamespacedName, o); err != nil {
		if apierrors.IsNotFound(err) {
			r.board.Forget(req.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !o.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	seen, err := r.gather(ctx, o)
	if err != nil {
		return ctrl.Result{}, err
	}
	now := r.Now()
	next := statusOf(o, seen, now)
	if !seen.counted {
		return r.elsewhere(ctx, o, next, now)
	}
	return ctrl.Result{}, r.patch(ctx, o, next)
}

// elsewhere leaves a NamespaceAccess that does not count here to another operator. If none
// has taken it in time, the status says that it does not count, once and never over what
// another operator wrote.
func (r *Reconciler) elsewhere(ctx context.Context, o *v1alpha1.NamespaceAccess, next v1alpha1.NamespaceAccessStatus, now time.Time) (ctrl.Result, error) {
	if len(o.Status.Conditions) > 0 {
		r.board.Forget(client.ObjectKeyFromObject(o))
		return ctrl.Result{}, nil
	}
	if left := status.Patience - now.Sub(o.CreationTimestamp.Time); left > 0 {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return ctrl.Result{}, status.PatchFirst(ctx, r.Client, o, slim(o, o.Status), slim(o, next))
}

// slim has nothing of a NamespaceAccess but its name and a status.
func slim(o *v1alpha1.NamespaceAccess, s v1alpha1.NamespaceAccessStatus) *v1alpha1.NamespaceAccess {
	out := &v1alpha1.NamespaceAccess{Status: s}
	out.Namespace, out.Name = o.Namespace, o.Name
	return out
}

// observed is everything that the status is judged by.
type observed struct {
	// counted: the operator's flag names the namespace.
	counted bool
	// server: there is the AuthorizationServer.
	server bool
	// selector is what is wrong with the selector; nil: nothing.
	selector error
	// namespaces is how many are matched.
	namespaces int32
}

func (r *Reconciler) gather(ctx context.Context, o *v1alpha1.NamespaceAccess) (observed, error) {
	seen := observed{counted: slices.Contains(r.ServerNamespaces, o.Namespace)}
	if o.Spec.Namespaces.Selector != nil {
		_, seen.selector = metav1.LabelSelectorAsSelector(o.Spec.Namespaces.Selector)
	}
	var as v1alpha1.AuthorizationServer
	err := r.Client.Get(ctx, access.ServerKey(o), &as, client.UnsafeDisableDeepCopy)
	if client.IgnoreNotFound(err) != nil {
		return seen, fmt.Errorf("read AuthorizationServer %s: %w", access.ServerKey(o), err)
	}
	seen.server = err == nil
	var namespaces corev1.NamespaceList
	if err := r.Client.List(ctx, &namespaces, client.UnsafeDisableDeepCopy); err != nil {
		return seen, fmt.Errorf("list the namespaces: %w", err)
	}
	for i := range namespaces.Items {
		if access.Matches(o, &namespaces.Items[i]) {
			seen.namespaces++
		}
	}
	return seen, nil
}

// statusOf says what the status is to be. It is pure.
func statusOf(o *v1alpha1.NamespaceAccess, seen observed, now time.Time) v1alpha1.NamespaceAccessStatus {
	c := status.NewConditions(o.Status.Conditions, o.Generation, metav1.NewTime(now.Truncate(time.Second)))
	not := func(reason, reconciling, message string) {
		c.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
		stalled := reason
		if reconciling != "" {
			stalled = ""
		}
		c.Progress(reconciling, stalled, message)
	}
	switch {
	case !seen.counted:
		not(v1alpha1.ReasonNamespaceNotWatched, "", fmt.Sprintf(
			"the operator's flag --authorization-server-namespaces does not name namespace %s: add it there, or create this object in a namespace that the flag names, beside the AuthorizationServer", o.Namespace))
	case seen.selector != nil:
		not(v1alpha1.ReasonSelectorInvalid, "", fmt.Sprintf(
			"spec.namespaces.selector is invalid, so the object matches no namespace: %v", seen.selector))
	case !seen.server:
		not(v1alpha1.ReasonServerNotFound, v1alpha1.ReasonProgressing, fmt.Sprintf(
			"there is no AuthorizationServer %s yet (spec.serverRef)", access.ServerKey(o)))
	default:
		c.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonInForce, "the operator decides by this object")
		c.Progress("", "", "")
	}
	return v1alpha1.NamespaceAccessStatus{ObservedGeneration: o.Generation, Conditions: c.List(), Namespaces: seen.namespaces}
}

// patch writes the status if it differs from what is there.
func (r *Reconciler) patch(ctx context.Context, o *v1alpha1.NamespaceAccess, next v1alpha1.NamespaceAccessStatus) error {
	if equality.Semantic.DeepEqual(o.Status, next) {
		return nil
	}
	if err := status.Patch(ctx, r.Client, o.UID, slim(o, o.Status), slim(o, next)); err != nil {
		return err
	}
	r.board.Changed(o, o.Status.Conditions, next.Conditions)
	return nil
}
