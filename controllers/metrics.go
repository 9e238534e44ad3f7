package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/oauthclient"
	"clientele.dev/clientele/controllers/registrar"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// What is read off the caches when somebody asks. Label server is
// `<namespace>/<name>` of an AuthorizationServer that there is, or, of tombstones,
// was: whoever may make one decides how many values there are. No label has a name
// that an app team chose.
var (
	clientsDesc = prometheus.NewDesc("clientele_oauthclients",
		"OAuthClients, by AuthorizationServer (empty: there is none of the name), status and reason of their condition Ready.", []string{"server", "ready", "reason"}, nil)
	policiesDesc = prometheus.NewDesc("clientele_scopepolicies",
		"ScopePolicies, by AuthorizationServer (empty: there is none of the name), status and reason of their condition Ready.", []string{"server", "ready", "reason"}, nil)
	conditionDesc = prometheus.NewDesc("clientele_authorizationserver_condition",
		"1 for each condition of an AuthorizationServer as it is.", []string{"server", "condition", "status", "reason"}, nil)
	brakeDesc = prometheus.NewDesc("clientele_deregistration_brake_engaged",
		"1 while the brake on mass deletion holds deregistrations back; condition DeregistrationPaused says how to confirm them.", []string{"server"}, nil)
	tombstonesDesc = prometheus.NewDesc("clientele_tombstones",
		"Registrations of deleted OAuthClients that wait to be deregistered, by what they wait for: Progressing, TooManyDeletions, ServerNotFound (for good, unless somebody acts), or the reason of condition ServerReachable.", []string{"server", "reason"}, nil)
	oldestDesc = prometheus.NewDesc("clientele_tombstones_oldest_timestamp_seconds",
		"When the operator, since it started, first saw the oldest registration that waits to be deregistered.", []string{"server"}, nil)
	keysDesc = prometheus.NewDesc("clientele_signing_keys",
		"Signing keys, by algorithm and phase.", []string{"server", "algorithm", "phase"}, nil)
	rotationDesc = prometheus.NewDesc("clientele_signing_keys_next_rotation_timestamp_seconds",
		"When the next signing key is to take over by schedule.", []string{"server"}, nil)
	droppedDesc = prometheus.NewDesc("clientele_events_dropped_total",
		"Kubernetes events that were not written, for there were too many at once. The conditions say the same.", nil, nil)
)

// buildInfo tells the operator's version. Every replica tells it, the leader or not.
func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "clientele_build_info", Help: "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}

// collector reads what the operator knows, without a request to anybody. Of several
// replicas only the leader tells, so that sums are right.
type collector struct {
	// clients, policies and servers list what the cache holds.
	clients, policies, servers func() []any
	// operator says which objects are counted.
	operator   rules.Operator
	leads      <-chan struct{}
	registrar  *registrar.Servers
	tombstones func() []oauthclient.Tombstones
	dropped    func() int64
}

// newCollector completes a collector with what the manager caches.
func newCollector(ctx context.Context, mgr ctrl.Manager, c collector) (*collector, error) {
	var errs [3]error
	c.clients, errs[0] = allOf(ctx, mgr.GetCache(), &v1alpha1.OAuthClient{}, func() []any {
		var list v1alpha1.OAuthClientList
		return pointers(&list, &list.Items, mgr.GetCache())
	})
	c.policies, errs[1] = allOf(ctx, mgr.GetCache(), &v1alpha1.ScopePolicy{}, func() []any {
		var list v1alpha1.ScopePolicyList
		return pointers(&list, &list.Items, mgr.GetCache())
	})
	c.servers, errs[2] = allOf(ctx, mgr.GetCache(), &v1alpha1.AuthorizationServer{}, func() []any {
		var list v1alpha1.AuthorizationServerList
		return pointers(&list, &list.Items, mgr.GetCache())
	})
	return &c, errors.Join(errs[:]...)
}

// pointers lists from the cache, without deep copies.
func pointers[T any](list client.ObjectList, items *[]T, c client.Reader) []any {
	if err := c.List(context.Background(), list, client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache is not filled yet
	}
	all := make([]any, len(*items))
	for i := range *items {
		all[i] = &(*items)[i]
	}
	return all
}

// allOf lists what the cache holds of a kind, without copies. A cache of several
// namespaces has a store for each, and they are listed.
func allOf(ctx context.Context, c cache.Cache, kind client.Object, list func() []any) (func() []any, error) {
	informer, err := c.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watch %T for the metrics: %w", kind, err)
	}
	// controller-runtime hides that its informers are those of client-go. A List
	// would copy every object at each scrape.
	with, ok := informer.(interface{ GetStore() toolscache.Store })
	if !ok {
		return list, nil
	}
	return with.GetStore().List, nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		clientsDesc, policiesDesc, conditionDesc, brakeDesc, tombstonesDesc, oldestDesc, keysDesc, rotationDesc, droppedDesc,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	select {
	case <-c.leads:
	default:
		return
	}
	out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(c.dropped()))
	known := map[types.NamespacedName]bool{}
	for _, one := range c.servers() {
		if as, ok := one.(*v1alpha1.AuthorizationServer); ok {
			known[client.ObjectKeyFromObject(as)] = true
			collectServer(out, as)
		}
	}
	collectReady(out, clientsDesc, c.byReady(c.clients, known))
	collectReady(out, policiesDesc, c.byReady(c.policies, known))
	for _, server := range c.registrar.All() {
		gauge(out, brakeDesc, oneIf(server.Brake().State().Paused), server.Key().String())
	}
	for _, t := range c.tombstones() {
		gauge(out, tombstonesDesc, float64(t.Count), t.Server.String(), t.Reason)
		gauge(out, oldestDesc, unix(t.Oldest), t.Server.String())
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// readiness is what objects are counted by.
type readiness struct {
	server, status, reason string
}

// byReady counts OAuthClients or ScopePolicies.
func (c *collector) byReady(objects func() []any, known map[types.NamespacedName]bool) map[readiness]int {
	counts := map[readiness]int{}
	for _, one := range objects() {
		var ref, seen *v1alpha1.ServerReference
		var conditions []metav1.Condition
		switch o := one.(type) {
		case *v1alpha1.OAuthClient:
			ref, seen, conditions = o.Spec.ServerRef, o.Status.ServerRef, o.Status.Conditions
		case *v1alpha1.ScopePolicy:
			ref, seen, conditions = o.Spec.ServerRef, o.Status.ServerRef, o.Status.Conditions
		}
		key, mine := c.operator.Server(ref, seen)
		if !mine {
			continue // another operator counts it
		}
		r := readiness{status: string(metav1.ConditionUnknown), reason: v1alpha1.ReasonProgressing}
		if ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); ready != nil {
			r.status, r.reason = string(ready.Status), ready.Reason
		}
		// Any team may name any server.
		if known[key] {
			r.server = key.String()
		}
		counts[r]++
	}
	return counts
}

func collectReady(out chan<- prometheus.Metric, d *prometheus.Desc, counts map[readiness]int) {
	for r, n := range counts {
		gauge(out, d, float64(n), r.server, r.status, r.reason)
	}
}

// collectServer tells what an AuthorizationServer's status says.
func collectServer(out chan<- prometheus.Metric, as *v1alpha1.AuthorizationServer) {
	server := client.ObjectKeyFromObject(as).String()
	for _, c := range as.Status.Conditions {
		gauge(out, conditionDesc, 1, server, c.Type, string(c.Status), c.Reason)
	}
	type kind struct{ algorithm, phase string }
	counts := map[kind]int{}
	for _, key := range as.Status.SigningKeys {
		counts[kind{string(key.Algorithm), string(key.Phase)}]++
	}
	for k, n := range counts {
		gauge(out, keysDesc, float64(n), server, k.algorithm, k.phase)
	}
	if next := nextRotation(as); !next.IsZero() {
		gauge(out, rotationDesc, unix(next), server)
	}
}

// nextRotation is when the first of the keys that sign has signed for long enough;
// zero if none signs.
func nextRotation(as *v1alpha1.AuthorizationServer) time.Time {
	var next time.Time
	for _, key := range as.Status.SigningKeys {
		if key.Phase != v1alpha1.KeyActive || key.Activated == nil {
			continue
		}
		if due := key.Activated.Add(as.Spec.Signing.RotateEvery.Duration); next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next
}

// expose puts collectors into the registry that the manager serves, which is one
// for the whole process, until remove is called.
func expose(collectors []prometheus.Collector) (remove func(), err error) {
	var done []prometheus.Collector
	remove = func() {
		for _, c := range done {
			metrics.Registry.Unregister(c)
		}
	}
	for _, c := range collectors {
		if e := metrics.Registry.Register(c); e != nil {
			err = errors.Join(err, fmt.Errorf("register the operator's metrics: %w", e))
			continue
		}
		done = append(done, c)
	}
	if err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}
