package registry

import (
	"sort"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// logLength is how many changes are remembered for registrars that follow. Who
// was away for longer reads the whole inventory, a handful of calls.
const logLength = 8192

// state is what the inventory is told from, beside the clients that are served.
type state struct {
	loaded   bool
	storeID  string
	revision int64
	// floor is the revision since which changes are known.
	floor int64
	log   []change

	tampered         map[string]oauth.Owner // by client id; owner as last known
	policies         map[string]store.Policy
	tamperedPolicies map[string]string // cluster by uid
	counts           Counts

	// ids are all client ids in order, as of revision idsOf; see ordered.
	ids   []string
	idsOf int64

	// moved is closed when the revision moves on.
	moved chan struct{}
}

// change is an entry of the change log: something happened to a record of a
// cluster. What it is now is looked up when the log is told.
type change struct {
	revision int64
	policy   bool
	id       string
	owner    oauth.Owner // of a policy only Cluster
}

// reset empties the state; whoever waits is woken and told to read everything.
func (s *state) reset(storeID string, revision int64) {
	s.storeID, s.revision, s.floor, s.log = storeID, revision, revision, nil
	s.tampered = map[string]oauth.Owner{}
	s.policies = map[string]store.Policy{}
	s.tamperedPolicies = map[string]string{}
	s.counts = Counts{}
	s.ids = nil
	s.wake()
}

func (s *state) wake() {
	if s.moved != nil {
		close(s.moved)
	}
	s.moved = make(chan struct{})
}

// note adds a change that the revision led to.
func (s *state) note(c change) {
	s.log = append(s.log, c)
	if len(s.log) <= 2*logLength {
		return
	}
	drop := len(s.log) - logLength
	s.floor = s.log[drop-1].revision
	s.log = append(make([]change, 0, 2*logLength+1), s.log[drop:]...)
}

// since lists the changes after a revision, oldest first.
func (s *state) since(revision int64) []change {
	first := sort.Search(len(s.log), func(i int) bool { return s.log[i].revision > revision })
	return s.log[first:]
}

// knows says whether the changes since a revision of a store are known.
func (s *state) knows(storeID string, since int64) bool {
	return storeID == s.storeID && since >= s.floor && since <= s.revision
}
