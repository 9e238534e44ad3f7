package managed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// staleRetry is how soon a write that lost against a newer one is tried again with
	// what the cache has then.
	staleRetry = 200 * time.Millisecond
	// problemRetry is how soon something is tried again that somebody has to change,
	// of which there may be no event.
	problemRetry = 30 * time.Second
	// secretWrong and secretRight are how soon a Secret that is not ours, and so in no
	// cache, is read again.
	secretWrong = time.Minute
	secretRight = time.Hour
	// certificateAgain is how soon cert-manager's Certificate, which is not watched, is
	// looked at again.
	certificateAgain = 10 * time.Minute
)

// Options says what a Reconciler works with. All but Image, ClusterDomain and
// CertificateLifetime are required.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Recorder takes the events.
	Recorder events.EventRecorder
	// States takes what is known of each server.
	States *States
	// Namespace is the operator's own.
	Namespace string
	// Namespaces in which an AuthorizationServer counts.
	Namespaces []string
	// Image of servers whose spec names none.
	Image string
	// ClusterDomain of Services. Empty: cluster.local.
	ClusterDomain string
	// CertificateLifetime is how long serving certificates are valid. Zero: 90 days.
	CertificateLifetime time.Duration
	// Rand is the source of randomness.
	Rand io.Reader
	// Now is the clock.
	Now func() time.Time
}

// Reconciler runs the servers of type Managed.
type Reconciler struct {
	Options
	board *notice.Board
	// mu guards the maps. memory has what was applied, released the generations for which
	// an Unmanaged AuthorizationServer's Certificate was released.
	mu       sync.Mutex
	memory   map[types.NamespacedName]*memory
	released map[types.NamespacedName]int64
}

// New returns a Reconciler.
func New(o Options) *Reconciler {
	o.ClusterDomain = cmp.Or(o.ClusterDomain, "cluster.local")
	board := notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "AuthorizationServer"})
	return &Reconciler{Options: o, board: board, memory: map[types.NamespacedName]*memory{}, released: map[types.NamespacedName]int64{}}
}

// DroppedEvents counts the events that exceeded their budget.
func (r *Reconciler) DroppedEvents() int64 { return r.board.Dropped() }

// The rights on the kinds of the workload are given in the namespaces of
// AuthorizationServers only. The operator holds what it grants to servers.
//
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=get;list;watch;create;patch;delete,namespace=clientele-system
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts;configmaps;persistentvolumeclaims,verbs=get;list;watch;create;patch,namespace=clientele-system
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch,namespace=clientele-system
// +kubebuilder:rbac:groups="",resources=events,verbs=list,namespace=clientele-system
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch;create;patch,namespace=clientele-system
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete,namespace=clientele-system
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete,namespace=clientele-system
// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=get;create;patch;delete,namespace=clientele-system

// Reconcile brings the objects of one AuthorizationServer to what its spec says.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	as := &v1alpha1.AuthorizationServer{}
	err := r.Client.Get(ctx, req.NamespacedName, as)
	if err != nil && !apierrors.IsNotFound(err) {
		return ctrl.Result{}, fmt.Errorf("read AuthorizationServer %s: %w", req, err)
	}
	switch {
	case err != nil, !as.DeletionTimestamp.IsZero(), !slices.Contains(r.Namespaces, as.Namespace):
		r.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	case as.Spec.Type != v1alpha1.AuthorizationServerManaged || as.Spec.Managed == nil:
		r.forget(req.NamespacedName)
		return ctrl.Result{}, r.release(ctx, as)
	}
	return r.run(ctx, as)
}

func (r *Reconciler) forget(key types.NamespacedName) {
	r.mu.Lock()
	delete(r.memory, key)
	r.mu.Unlock()
	r.States.forget(key)
}

// run carries out one pass and keeps what it saw.
func (r *Reconciler) run(ctx context.Context, as *v1alpha1.AuthorizationServer) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(as)
	p, err := r.newPass(ctx, as)
	if err != nil {
		return ctrl.Result{}, err
	}
	err = p.apply(ctx)
	var blocked *blocked
	if errors.As(err, &blocked) {
		p.state.Problem = &blocked.problem
		p.lookAgain(problemRetry)
		err = nil
	}
	stale := apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
	if err != nil && !stale {
		return ctrl.Result{}, err
	}
	if err := p.observe(ctx); err != nil {
		return ctrl.Result{}, err
	}
	if stale {
		// What is known stays; the problem, if there is one, shows in the next pass.
		if before, ok := r.States.Get(key); ok {
			p.state.Problem = before.Problem
		}
		p.lookAgain(staleRetry)
	}
	r.States.set(key, p.state)
	return ctrl.Result{RequeueAfter: p.again}, nil
}

// pass is one reconciliation of a Managed AuthorizationServer.
type pass struct {
	*Reconciler
	as     *v1alpha1.AuthorizationServer
	render renderer
	memory *memory
	state  State
	// again is when to look again; zero: when an event says so.
	again time.Duration
}

func (r *Reconciler) newPass(ctx context.Context, as *v1alpha1.AuthorizationServer) (*pass, error) {
	cluster := &corev1.Namespace{}
	if err := r.Client.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, cluster); err != nil {
		return nil, fmt.Errorf("read Namespace %s, whose uid identifies the cluster: %w", metav1.NamespaceSystem, err)
	}
	p := &pass{
		Reconciler: r, as: as, memory: r.remember(as),
		render: renderer{as: as, image: r.Image, operatorNamespace: r.Namespace, clusterID: string(cluster.UID)},
	}
	p.state.Generation, p.state.Image = as.Generation, p.render.serverImage()
	return p, nil
}

func (r *Reconciler) remember(as *v1alpha1.AuthorizationServer) *memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := client.ObjectKeyFromObject(as)
	m := r.memory[key]
	if m == nil || m.uid != as.UID {
		m = &memory{uid: as.UID, applied: map[string]applied{}}
		r.memory[key] = m
	}
	return m
}

// lookAgain has the AuthorizationServer looked at after d at the latest.
func (p *pass) lookAgain(d time.Duration) {
	d = max(d, time.Millisecond)
	if p.again == 0 || d < p.again {
		p.again = d
	}
}

// apply makes the objects, in an order in which each finds what it needs, and stops at
// the first that cannot be made. Where a certificate cannot be had, the workload is
// applied all the same: its Pods wait for it.
func (p *pass) apply(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		p.certificates, p.publicCertificate, p.appsBundle, p.storageSecrets, p.dataClaim, p.foundation, p.removeUnwanted, p.workload,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) foundation(ctx context.Context) error {
	for _, object := range p.render.foundation() {
		if _, err := p.ensure(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// blocked is an error that only somebody's change removes.
type blocked struct{ problem Problem }

func (b *blocked) Error() string { return b.problem.Message }

func block(reason, format string, args ...any) error {
	return &blocked{Problem{reason, fmt.Sprintf(format, args...)}}
}
