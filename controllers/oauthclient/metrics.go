package oauthclient

import (
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/registrar"
	"github.com/prometheus/client_golang/prometheus"
)

// Why a client was registered: the values of label cause.
const (
	causeNew     = "new"
	causeChanged = "changed"
	causeLost    = "lost"
)

// Why a credentials Secret was repaired, and why a client secret was rotated.
const (
	causeDeleted    = "deleted"
	causeEdited     = "edited"
	causeDamaged    = "damaged"
	causeAnnotation = "annotation"
	causeSchedule   = "schedule"
)

// outcomeDeregistered is the outcome of a deregistration that the server confirmed;
// that of others is a reason of Ready.
const outcomeDeregistered = "Deregistered"

// counters count what the reconciler did. No label has a name that a user chose.
type counters struct {
	registrations, deregistrations, repairs, rotations *prometheus.CounterVec
	ready                                              prometheus.Histogram
}

func newCounters() *counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &counters{
		registrations: counter("clientele_client_registrations_total",
			"Requests to register an OAuthClient, by cause (new, changed, lost) and outcome: Accepted, or the reason of its condition Ready.", "cause", "outcome"),
		deregistrations: counter("clientele_client_deregistrations_total",
			"Requests to deregister a deleted OAuthClient, by outcome: Deregistered, or the reason that the server could not.", "outcome"),
		repairs: counter("clientele_credentials_repairs_total",
			"Credentials Secrets that were deleted or edited and brought back as they were, by cause.", "cause"),
		rotations: counter("clientele_client_secret_rotations_total",
			"Client secrets that were rotated, by cause (annotation, schedule).", "cause"),
		ready: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "clientele_oauthclient_ready_seconds",
			Help:    "Time from the creation of an OAuthClient until it was first Ready. Creation times have whole seconds, so that it is up to a second too long.",
			Buckets: []float64{1, 2, 5, 10, 30, 60, 300, 1800, 7200},
		}),
	}
}

// Describe implements prometheus.Collector.
func (m *counters) Describe(c chan<- *prometheus.Desc) {
	for _, one := range m.all() {
		one.Describe(c)
	}
}

// Collect implements prometheus.Collector.
func (m *counters) Collect(c chan<- prometheus.Metric) {
	for _, one := range m.all() {
		one.Collect(c)
	}
}

func (m *counters) all() []prometheus.Collector {
	return []prometheus.Collector{m.registrations, m.deregistrations, m.repairs, m.rotations, m.ready}
}

// registered counts a request to register, and how it ended.
func (m *counters) registered(cause string, p *problem) {
	outcome := v1alpha1.ReasonAccepted
	if p != nil {
		outcome = p.reason
	}
	m.registrations.WithLabelValues(cause, outcome).Inc()
}

// deregistered counts a request to deregister, and how it ended. Of another
// incarnation of the owner nothing is to be deleted.
func (m *counters) deregistered(err error) {
	outcome := outcomeDeregistered
	if err != nil && registrar.CodeOf(err) != oauth.CodeOwnerMismatch {
		outcome = registrar.Explain(err).Reason
	}
	m.deregistrations.WithLabelValues(outcome).Inc()
}

// firstReady observes how long a client took to be Ready for the first time.
func (m *counters) firstReady(created, now time.Time) {
	m.ready.Observe(max(now.Sub(created), 0).Seconds())
}

// cause is why the client is registered.
func (p *pass) cause() string {
	switch {
	case p.lost:
		return causeLost
	case p.client.Status.CredentialsSecret == "":
		return causeNew
	}
	return causeChanged
}
