package endpoint

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"clientele.dev/clientele/authserver/oauth"
)

// Metrics counts what happens at the endpoints. Counters on the hot path are
// looked up once, at start: counting allocates nothing and takes no lock.
type Metrics struct {
	requests   *prometheus.CounterVec
	tokens     *prometheus.CounterVec
	registered *prometheus.CounterVec
	notFound   prometheus.Counter
	// withoutPKCE counts what the one exception is used for.
	withoutPKCE prometheus.Counter
	// retries counts refresh tokens that came again.
	retries    prometheus.Counter
	otherGrant *outcomes
}

// NewMetrics makes the counters and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "clientele_http_requests_total",
			Help: "Answered HTTP requests by route and status code.",
		}, []string{"route", "code"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "clientele_token_requests_total",
			Help: "Token requests by grant type and outcome: issued, or the error code.",
		}, []string{"grant", "outcome"}),
		registered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "clientele_registrations_total",
			Help: "Requests that register, update or delete a client, and policies that were refused, by outcome.",
		}, []string{"outcome"}),
	}
	m.withoutPKCE = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "clientele_authorizations_without_pkce_total",
		Help: "Authorization codes issued to clients that may do without PKCE and did.",
	})
	m.retries = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "clientele_refresh_retries_total",
		Help: "Refresh tokens that came again within the retry window, and got the current one.",
	})
	m.notFound = m.requests.WithLabelValues(routeOfNothing, "404")
	m.otherGrant = m.grant("other")
	r.MustRegister(m.requests, m.tokens, m.registered, m.withoutPKCE, m.retries)
	return m
}

// outcomes are the counters of one route, by status, or of one grant, by code.
type outcomes struct {
	byStatus map[int]prometheus.Counter
	byCode   map[oauth.Code]prometheus.Counter
	success  prometheus.Counter // 200, or issued
	other    prometheus.Counter
}

func (m *Metrics) route(name string) *outcomes {
	o := &outcomes{
		byStatus: map[int]prometheus.Counter{},
		success:  m.requests.WithLabelValues(name, "200"),
		other:    m.requests.WithLabelValues(name, "other"),
	}
	for _, code := range []int{201, 204, 303, 304, 400, 401, 403, 404, 405, 409, 413, 429, 500, 503} {
		o.byStatus[code] = m.requests.WithLabelValues(name, strconv.Itoa(code))
	}
	return o
}

func (o *outcomes) status(code int) prometheus.Counter {
	if code == 200 {
		return o.success
	}
	if c, ok := o.byStatus[code]; ok {
		return c
	}
	return o.other
}

func (m *Metrics) grant(name string) *outcomes {
	o := &outcomes{
		byCode:  map[oauth.Code]prometheus.Counter{},
		success: m.tokens.WithLabelValues(name, "issued"),
		other:   m.tokens.WithLabelValues(name, "other"),
	}
	for _, code := range []oauth.Code{
		oauth.CodeInvalidRequest, oauth.CodeInvalidClient, oauth.CodeInvalidGrant, oauth.CodeUnauthorizedClient,
		oauth.CodeUnsupportedGrantType, oauth.CodeInvalidScope, oauth.CodeInvalidTarget,
		oauth.CodeServerError, oauth.CodeTemporarilyUnavailable,
	} {
		o.byCode[code] = m.tokens.WithLabelValues(name, string(code))
	}
	return o
}

func (o *outcomes) failure(code oauth.Code) prometheus.Counter {
	if c, ok := o.byCode[code]; ok {
		return c
	}
	return o.other
}

func (m *Metrics) registrations(outcome string) {
	m.registered.WithLabelValues(outcome).Inc()
}
