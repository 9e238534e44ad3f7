package managed

import (
	"reflect"
	"sync"
	"time"

	"clientele.dev/clientele/controllers/internal/pki"
	"k8s.io/apimachinery/pkg/types"
)

// State is what is known of the objects of a Managed AuthorizationServer.
type State struct {
	// Generation of the AuthorizationServer that the last pass was about.
	Generation int64
	// Problem is what kept the last pass from its end; nil: nothing did.
	Problem *Problem
	// Own is the certificate of the registrar API, and with tls.type Generated of the
	// public endpoints. Otherwise Public is that of the public endpoints.
	Own    pki.Verdict
	Public *pki.Verdict
	// CertificateProblem comes before the verdicts; nil: there is none.
	CertificateProblem *Problem
	// CAExpires and CertificateExpires are zero where they are not known.
	CAExpires, CertificateExpires time.Time
	// Bundle is what ConfigMap X-ca holds.
	Bundle string
	// AppsBundle is what apps need to verify the public endpoints; empty: the system's
	// roots. AppsBundleKnown false: that cannot be told, and what was so before counts.
	AppsBundle      string
	AppsBundleKnown bool
	// StorageProblem is what is wrong with a Secret of the storage; nil: nothing is.
	StorageProblem *Problem
	// ClaimProblem is why the volume claim that exists cannot be changed to what the spec
	// says; it does not keep the server from running.
	ClaimProblem *Problem
	// Image that the Pods are to run.
	Image string
	// Workload is the Deployment or StatefulSet.
	Workload Workload
	// Pods of the server, in the order of their names.
	Pods []Pod
	// UnsettledSince is since when Pods are being made or replaced; zero: they are not.
	// SettledAt is when that ended; zero: it has not since the operator started.
	UnsettledSince, SettledAt time.Time
}

// Problem is why something cannot be done until somebody changes something.
type Problem struct {
	// Reason is a reason of a condition.
	Reason string
	// Message is for people.
	Message string
}

// Workload is what a Deployment or StatefulSet says.
type Workload struct {
	// Kind is Deployment or StatefulSet.
	Kind string
	// Stopping is the kind of the workload that is stopped before this one starts;
	// empty: there is none.
	Stopping string
	// Observed: the counts are about the objects as they were applied last.
	Observed bool
	// Wanted, Replicas, Updated and Ready count Pods: how many there are to be, are, are
	// of the present template, and are ready.
	Wanted, Replicas, Updated, Ready int32
	// Refused is why the API server lets no Pod be made; empty: it does.
	Refused string
}

// Complete says that all Pods are as they are to be.
func (w Workload) Complete() bool {
	return w.Observed && w.Stopping == "" && w.Updated == w.Wanted && w.Ready == w.Wanted && w.Replicas == w.Wanted
}

// Pod is what a Pod says.
type Pod struct {
	Name string
	// Current: it is of the template that was applied last.
	Current bool
	Ready   bool
	// Trouble is why it is not ready; nil: it is on its way.
	Trouble *Problem
	// ExitCode and LastWords are of the server's last end; LastWords is its
	// termination message, one line of bounded length. Ended: there was an end.
	Ended     bool
	ExitCode  int32
	LastWords string
}

// States keeps the State of each Managed AuthorizationServer. It is safe for concurrent
// use.
type States struct {
	mu          sync.RWMutex
	states      map[types.NamespacedName]State
	subscribers []func(types.NamespacedName)
}

// NewStates returns an empty set.
func NewStates() *States { return &States{states: map[types.NamespacedName]State{}} }

// Get returns the State of an AuthorizationServer; false: there has been no pass yet.
func (s *States) Get(key types.NamespacedName) (State, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	state, ok := s.states[key]
	return state, ok
}

// Subscribe has a function called, for good, when a State changed. It must return at
// once.
func (s *States) Subscribe(changed func(types.NamespacedName)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, changed)
}

func (s *States) set(key types.NamespacedName, next State) {
	s.mu.Lock()
	before, had := s.states[key]
	s.states[key] = next
	subscribers := s.subscribers
	s.mu.Unlock()
	if had && reflect.DeepEqual(before, next) {
		return
	}
	for _, changed := range subscribers {
		changed(key)
	}
}

func (s *States) forget(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.states, key)
}
