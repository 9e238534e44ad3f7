package pki

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func names() Names {
	return Names{Server: "default", Namespace: "clientele-system", Issuer: "https://login.example.com/auth"}
}

// world keeps the three objects as the API server would, and what clients have read.
type world struct {
	t   *testing.T
	in  Input
	now time.Time
	// last is the last plan; events are all that were told.
	last   Plan
	events []string
	writes int
	// reads are bundles that clients hold, oldest first.
	reads []read
	// served are the certificates that a Pod may serve: the one in the Secret, and what
	// kubelet has not replaced yet.
	served []served
	// verified is until when a certificate is valid with a bundle.
	verified map[verified]time.Time
}

type verified struct {
	pool *x509.CertPool
	leaf *x509.Certificate
}

type read struct {
	at   time.Time
	pem  string
	pool *x509.CertPool
}

type served struct {
	leaf *x509.Certificate
	// until is when kubelet has replaced it; zero: not yet.
	until time.Time
}

func newWorld(t *testing.T) *world {
	return &world{t: t, now: start, verified: map[verified]time.Time{}, in: Input{Names: names(), Rand: rand.Reader}}
}

// pass plans once and writes the plan; cut of 0 to 2 makes a write fail: the first, the
// second, the third.
func (w *world) pass(in Input, cut int) Plan {
	w.t.Helper()
	in.Now = w.now
	plan, err := Make(in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = plan
	if plan.CA != nil {
		if cut == 0 || !same(in.CA, w.in.CA) {
			return plan
		}
		w.in.CA = plan.CA
		w.writes++
	}
	if plan.Bundle != "" && plan.Bundle != w.in.Bundle {
		if cut == 1 {
			return plan
		}
		w.in.Bundle = plan.Bundle
		w.writes++
	}
	if plan.Serving != nil {
		if cut == 2 || !same(in.Serving, w.in.Serving) {
			return plan
		}
		w.in.Serving = plan.Serving
		w.writes++
		w.serve()
	}
	for _, e := range plan.Events {
		w.events = append(w.events, e.Reason)
	}
	return plan
}

func same(a, b map[string][]byte) bool {
	return (a == nil) == (b == nil) && maps.EqualFunc(a, b, func(x, y []byte) bool { return string(x) == string(y) })
}

// serve notes the certificate in the Secret as one that a Pod may serve.
func (w *world) serve() {
	for i := range w.served {
		if w.served[i].until.IsZero() {
			w.served[i].until = w.now.Add(2 * time.Minute)
		}
	}
	leaf, err := parseServing(w.in.Serving)
	if err != nil {
		w.t.Fatal(err)
	}
	w.served = append(w.served, served{leaf: leaf})
}

// settle passes until nothing is written any more, which must not take long.
func (w *world) settle() Plan {
	w.t.Helper()
	for range 5 {
		before := w.writes
		if plan := w.pass(w.in, -1); w.writes == before {
			return plan
		}
	}
	w.t.Fatalf("%s: plan after plan writes something: %v", w.now, w.events)
	return Plan{}
}

// readBundle has a client read the ConfigMap.
func (w *world) readBundle() {
	if w.in.Bundle == "" {
		return
	}
	if n := len(w.reads); n > 0 && w.reads[n-1].pem == w.in.Bundle {
		w.reads = append(w.reads, read{w.now, w.in.Bundle, w.reads[n-1].pool})
		return
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(w.in.Bundle)) {
		w.t.Fatal("the bundle holds no certificate")
	}
	w.reads = append(w.reads, read{w.now, w.in.Bundle, pool})
}

// verify is the promise: whoever read the bundle within the time that is given verifies
// what is served.
func (w *world) verify(within time.Duration) {
	w.t.Helper()
	w.readBundle()
	w.reads = slices.DeleteFunc(w.reads, func(r read) bool { return w.now.Sub(r.at) > within })
	w.served = slices.DeleteFunc(w.served, func(s served) bool { return !s.until.IsZero() && w.now.After(s.until) })
	checked := map[*x509.CertPool]bool{}
	for _, r := range w.reads {
		if checked[r.pool] {
			continue
		}
		checked[r.pool] = true
		for _, s := range w.served {
			pair := verified{r.pool, s.leaf}
			if w.now.Before(w.verified[pair]) {
				continue // verified before, and valid since
			}
			chains, err := s.leaf.Verify(x509.VerifyOptions{Roots: r.pool, CurrentTime: w.now, DNSName: "login.example.com"})
			if err = errors.Join(err, s.leaf.VerifyHostname("clientele-default-registrar.clientele-system.svc")); err != nil {
				w.t.Fatalf("%s: a client that read the bundle at %s cannot verify the certificate of %s: %v\nevents %v", w.now, r.at, begins(s.leaf), err, w.events)
			}
			w.verified[pair] = s.leaf.NotAfter
			if end := chains[0][1].NotAfter; end.Before(s.leaf.NotAfter) {
				w.verified[pair] = end
			}
		}
	}
}

// days lets so many days pass, with a look every step.
func (w *world) days(n int, step time.Duration) {
	w.t.Helper()
	for end := w.now.AddDate(0, 0, n); w.now.Before(end); w.now = w.now.Add(step) {
		w.settle()
		w.verify(w.rereads())
	}
}

// rereads is how old a client's bundle may be: not quite the overlap.
func (w *world) rereads() time.Duration {
	return orDefault(w.in.CAOverlap, DefaultCAOverlap) - time.Second
}

func (w *world) set() Set {
	w.t.Helper()
	set, err := parseSet(w.in.CA)
	if err != nil {
		w.t.Fatal(err)
	}
	return set
}

func (w *world) leaf() *x509.Certificate {
	w.t.Helper()
	leaf, err := parseServing(w.in.Serving)
	if err != nil {
		w.t.Fatal(err)
	}
	return leaf
}

// told counts events of a reason.
func (w *world) told(reason string) int {
	n := 0
	for _, e := range w.events {
		if e == reason {
			n++
		}
	}
	return n
}

func caName() string { return v1alpha1.ServerCAName("default") }
