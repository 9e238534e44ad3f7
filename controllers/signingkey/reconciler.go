package signingkey

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// unobservedRetry is how soon a server that could not be asked for its
	// replicas is asked again.
	unobservedRetry = 10 * time.Second
	// staleRetry is how soon a write that lost against a newer one is tried
	// again with what the cache has then.
	staleRetry = 200 * time.Millisecond
	// foreignRetry is how soon a Secret of somebody else that has our name is
	// looked at again.
	foreignRetry = time.Minute
	// soonest bounds how often a plan can ask to be looked at.
	soonest = 500 * time.Millisecond
	// defaultLifetime and defaultRotate are the schema's.
	defaultLifetime = 15 * time.Minute
	defaultRotate   = 90 * 24 * time.Hour
	// skew is how much verifiers' clocks may be behind.
	skew = time.Minute
)

// Options says what a Reconciler works with. All but Generate are required.
type Options struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Recorder takes the events.
	Recorder events.EventRecorder
	// Replicas asks a server for its running processes.
	Replicas func(context.Context, *v1alpha1.AuthorizationServer) ([]oauth.Replica, error)
	// Namespaces in which an AuthorizationServer counts.
	Namespaces []string
	// Now is the clock.
	Now func() time.Time
	// Generate makes keys. Nil: keys.Generate.
	Generate func(alg string, now time.Time) (keys.Key, error)
}

// Reconciler drives the signing keys of AuthorizationServers.
type Reconciler struct{ Options }

// New returns a Reconciler.
func New(o Options) *Reconciler {
	if o.Generate == nil {
		o.Generate = keys.Generate
	}
	return &Reconciler{o}
}

// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile brings the keys of one AuthorizationServer on their way.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	as := &v1alpha1.AuthorizationServer{}
	if err := r.Client.Get(ctx, req.NamespacedName, as); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !as.DeletionTimestamp.IsZero() || !slices.Contains(r.Namespaces, as.Namespace) {
		return ctrl.Result{}, nil
	}
	kept, err := r.load(ctx, as)
	if errors.Is(err, errDamaged) {
		// The AuthorizationServer's status says so. Whoever repairs or deletes
		// the Secret brings us back.
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return r.advance(ctx, as, kept)
}

// advance plans and writes the next state of the keys.
func (r *Reconciler) advance(ctx context.Context, as *v1alpha1.AuthorizationServer, kept kept) (ctrl.Result, error) {
	asked := rotationAsked(as, kept.secret)
	observation := r.observe(ctx, as, kept.set)
	now := r.Now() // after the replicas were asked: Plan relies on it
	next, changes, again, err := keys.Plan(kept.set, r.schedule(as, asked != ""), now, observation)
	if err != nil {
		return ctrl.Result{}, err
	}
	handled := asked != "" && (kept.secret == nil || rotated(changes))
	if len(changes) == 0 && !handled {
		return later(again.Sub(now), observation.Known), nil
	}
	if !handled {
		asked = ""
	}
	switch err := r.save(ctx, as, kept.secret, next, asked); {
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return ctrl.Result{RequeueAfter: staleRetry}, nil
	case errors.Is(err, errDamaged):
		// A Secret without our label is in no cache, so nobody tells when it goes.
		return ctrl.Result{RequeueAfter: foreignRetry}, nil
	case err != nil:
		return ctrl.Result{}, err
	}
	r.tell(as, kept, changes)
	return later(again.Sub(now), observation.Known), nil
}

// later is when to look again: when the plan says so, but soon where the
// replicas could not be asked.
func later(d time.Duration, known bool) ctrl.Result {
	if !known {
		d = min(d, unobservedRetry)
	}
	return ctrl.Result{RequeueAfter: max(d, soonest)}
}

// observe asks the server which keys its replicas serve. Before there are any
// keys there is nothing to ask.
func (r *Reconciler) observe(ctx context.Context, as *v1alpha1.AuthorizationServer, set keys.Set) keys.Observation {
	if len(set.Keys) == 0 {
		return keys.Observation{}
	}
	replicas, err := r.Replicas(ctx, as)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("cannot ask for the replicas; no key is promoted or removed until then", "error", err.Error())
		return keys.Observation{}
	}
	return keys.Observation{Known: true, Replicas: replicas}
}

func (r *Reconciler) schedule(as *v1alpha1.AuthorizationServer, now bool) keys.Schedule {
	signing := as.Spec.Signing
	return keys.Schedule{
		Algorithms: []string{
			cmp.Or(string(signing.AccessTokenAlgorithm), keys.ES256),
			cmp.Or(string(signing.IDTokenAlgorithm), keys.RS256),
		},
		RotateEvery: orDefault(signing.RotateEvery.Duration, defaultRotate),
		JWKSMaxAge:  signing.JWKSMaxAge.Duration,
		// An ID token lives as long as the access token beside it.
		MaxTokenLifetime: orDefault(as.Spec.Tokens.AccessTokenLifetime.Duration, defaultLifetime),
		Skew:             skew,
		RotateNow:        now,
		Generate:         r.Generate,
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// rotated says whether a key took over, which is what a rotation is.
func rotated(changes []keys.Event) bool {
	return slices.ContainsFunc(changes, func(e keys.Event) bool { return e.Type == keys.EventActivated })
}

// rotationAsked is the value of the annotation that asks for a rotation, if it
// was not handled yet.
func rotationAsked(as *v1alpha1.AuthorizationServer, secret *corev1.Secret) string {
	asked := as.Annotations[v1alpha1.AnnotationRotateSigningKeys]
	if secret != nil && secret.Annotations[v1alpha1.AnnotationRotateSigningKeys] == asked {
		return ""
	}
	return asked
}
