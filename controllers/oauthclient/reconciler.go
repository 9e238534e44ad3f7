package oauthclient

import (
	"cmp"
	"context"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/internal/written"
	"clientele.dev/clientele/controllers/registrar"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=oauthclients,verbs=get;list;watch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=oauthclients/status,verbs=patch
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=authorizationservers,verbs=get;list;watch;manage
// +kubebuilder:rbac:groups=oauth.clientele.dev,resources=scopepolicies;namespaceaccesses,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch

// Options says what a Reconciler works with. All but Watched, Faults and Workers are
// required.
type Options struct {
	// Client reads from the cache.
	Client *written.Client
	// Live reads from the API server.
	Live client.Reader
	// Servers are the authorization servers.
	Servers *registrar.Servers
	// Recorder takes the events.
	Recorder events.EventRecorder
	// Operator says which OAuthClients are reconciled.
	Operator rules.Operator
	// Watched says whether the OAuthClients of a namespace are in the cache. Nil: those of
	// every namespace are.
	Watched func(namespace string) bool
	// Audiences returns the API server's audiences, which no client may have tokens for.
	Audiences func(context.Context) ([]string, error)
	// Now is the clock.
	Now func() time.Time
	// Workers is how many OAuthClients are reconciled at a time. Zero: 16.
	Workers int
	// Faults, in tests, makes the operator stop at a named crash point by
	// returning an error. Nil in production.
	Faults func(point string) error
}

// The crash points, in the order in which they are passed.
const (
	// PointRecorded: the registration Secret was written, nothing registered.
	PointRecorded = "recorded"
	// PointRegistered: the server has answered, nothing noted.
	PointRegistered = "registered"
	// PointPromoted: the next secret became the current one.
	PointPromoted = "promoted"
	// PointProjected: the credentials Secret was written.
	PointProjected = "projected"
	// PointCut: an expired secret was taken out of the registration Secret.
	PointCut = "cut"
	// PointStatus: all is done but the status.
	PointStatus = "status"
	// PointDeregistered: the server has deleted, the registration Secret is there.
	PointDeregistered = "deregistered"
)

// Reconciler reconciles OAuthClients.
type Reconciler struct {
	Options
	outcomes *outcome.Mapper
	policies *policySets
	changes  *policyChanges
	tombs    *tombs
	counters *counters
	quotas   *quotas
	// unregistrable are the OAuthClients that no complete store waits for.
	unregistrable *unregistrable
	// board tells of OAuthClients; stranding of tombstones, which must not be
	// crowded out by them, nor they by those.
	board, stranding *notice.Board
}

// New returns a Reconciler.
func New(o Options) *Reconciler {
	if o.Workers == 0 {
		o.Workers = 16
	}
	return &Reconciler{
		Options: o, outcomes: outcome.NewMapper(), policies: newPolicySets(o), changes: newPolicyChanges(),
		tombs: newTombs(), counters: newCounters(), quotas: newQuotas(), unregistrable: newUnregistrable(),
		board:     notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "OAuthClient", Conditions: toldConditions}),
		stranding: notice.New(notice.Options{Recorder: o.Recorder, Now: o.Now, Kind: "Secret"}),
	}
}

// Metrics are the counters of what the Reconciler did.
func (r *Reconciler) Metrics() prometheus.Collector { return r.counters }

// DroppedEvents counts the events that exceeded their budget.
func (r *Reconciler) DroppedEvents() int64 { return r.board.Dropped() + r.stranding.Dropped() }

// crash is where a test stops the operator.
func (r *Reconciler) crash(point string) error {
	if r.Faults == nil {
		return nil
	}
	return r.Faults(point)
}

// pass is one reconciliation: what the steps have observed so far.
type pass struct {
	now time.Time
	// client is the object in the cache: not to be changed.
	client    *v1alpha1.OAuthClient
	serverKey types.NamespacedName
	// unserved: serverKey is in no namespace that counts, and no other operator has the
	// OAuthClient.
	unserved  bool
	as        *v1alpha1.AuthorizationServer
	server    *registrar.Server
	endpoints registrar.Endpoints
	// namespaceLabels are those of the object's namespace.
	namespaceLabels map[string]string
	// rights is what the platform lets the namespace have; hosts are where the
	// client's redirect URIs lead.
	rights access.Rights
	hosts  []redirectHost
	// denied: the platform does not allow the client. What is registered already
	// is registered as disabled.
	denied *problem
	// withheld: the platform does not give the client a part of what it asks for. A
	// client that is not registered yet is not; one that is goes on without that.
	withheld *problem
	record   *record
	// held: the server holds the client as it is wanted.
	held bool
	// lost: the server had accepted the client and does not hold it any more.
	lost bool
	// projected: the credentials Secret holds what the record says.
	projected   bool
	scopes      []v1alpha1.ScopeResult
	scopesKnown bool
	problem     *problem
	// replaced: the client has another secret than was handed out, for the
	// registration Secret was lost or damaged; rotated: it was rotated.
	replaced, rotated bool
	// news is what an event tells at the end.
	news []notice.Notice
}

// step does one thing and says what stands in the way of the next; nil: nothing.
type step func(context.Context, *pass) *problem

// Reconcile brings one OAuthClient, or what is left of one, to where it should
// be.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	return r.outcomes.Result(req, r.reconcile(ctx, req.NamespacedName))
}

func (r *Reconciler) reconcile(ctx context.Context, key types.NamespacedName) outcome.Outcome {
	if !r.watched(key.Namespace) {
		return r.unwatched(ctx, key)
	}
	var oac v1alpha1.OAuthClient
	err := r.Client.Get(ctx, key, &oac, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) || err == nil && oac.DeletionTimestamp != nil {
		r.board.Forget(key)
		r.unregistrable.forget(key)
		return r.deregister(ctx, key)
	}
	if err != nil {
		return outcome.Fail(err)
	}
	r.tombs.see(key, time.Time{}, nil)
	p := &pass{now: r.Now(), client: &oac}
	var mine bool
	if p.serverKey, mine = r.serverKey(&oac); !mine {
		return r.notMine(ctx, p)
	}
	p.problem = r.walk(ctx, p)
	r.decideScopes(p)
	if p.problem != nil && p.problem.crashed != nil {
		return outcome.Fail(p.problem.crashed)
	}
	r.unregistrable.see(p)
	r.tell(p)
	judged, err := r.writeStatus(ctx, p)
	if err != nil {
		return outcome.Fail(err)
	}
	if ends := status.PatienceEnds(judged.Conditions, oac.Generation); ends.After(p.now) {
		return outcome.RetryAfter(ends.Sub(p.now))
	}
	return p.outcome()
}

// walk takes the steps until one cannot be taken. A credentials Secret that was
// handed out before is kept in order also where the server cannot be asked.
func (r *Reconciler) walk(ctx context.Context, p *pass) *problem {
	for _, s := range []step{r.findServer, r.checkAllowed, r.loadRecord} {
		if problem := s(ctx, p); problem != nil {
			return problem
		}
	}
	for _, s := range []step{r.awaitInventory, r.beginRotation, r.register, r.promote} {
		if problem := s(ctx, p); problem != nil {
			return r.keepProjected(ctx, p, problem)
		}
	}
	for _, s := range []step{r.project, r.cutExpired} {
		if problem := s(ctx, p); problem != nil {
			return problem
		}
	}
	return cmp.Or(p.denied, p.withheld)
}

// outcome says when to come back: because of the problem, or for the next date
// that the record knows. A client from which only a part is withheld has dates too.
func (p *pass) outcome() outcome.Outcome {
	if p.problem != nil && (p.problem != p.withheld || p.record == nil) {
		return p.problem.outcome
	}
	if next := p.nextDate(); !next.IsZero() {
		return outcome.RetryAfter(next.Sub(p.now))
	}
	if p.problem != nil {
		return p.problem.outcome
	}
	return outcome.Done()
}

// writeStatus writes the status if it changed, and returns it.
func (r *Reconciler) writeStatus(ctx context.Context, p *pass) (v1alpha1.OAuthClientStatus, error) {
	old := p.client.Status
	if err := r.crash(PointStatus); err != nil {
		return old, err
	}
	judged := judge(p.observe(), old)
	if sameStatus(old, judged) {
		return judged, nil
	}
	slim := func(s v1alpha1.OAuthClientStatus) *v1alpha1.OAuthClient {
		out := &v1alpha1.OAuthClient{Status: s}
		out.Namespace, out.Name = p.client.Namespace, p.client.Name
		return out
	}
	var err error
	if p.unserved {
		err = status.PatchFirst(ctx, r.Client, p.client, slim(old), slim(judged))
	} else {
		err = status.Patch(ctx, r.Client, p.client.UID, slim(old), slim(judged))
	}
	if err != nil {
		return old, err
	}
	r.board.Changed(p.client, old.Conditions, judged.Conditions)
	if old.CredentialsSecret == "" && meta.IsStatusConditionTrue(judged.Conditions, v1alpha1.ConditionReady) {
		r.counters.firstReady(p.client.CreationTimestamp.Time, r.Now())
	}
	return judged, nil
}

// serves says whether an AuthorizationServer in a namespace counts.
func (r *Reconciler) serves(namespace string) bool {
	return r.Operator.Serves(namespace)
}
