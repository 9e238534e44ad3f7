// Package storetest is the contract of the stores: every implementation runs it.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Harness gives the suite a store of its own, empty and not bound.
type Harness struct {
	// Open the store, the same content each time. The suite closes it.
	Open func(t *testing.T) store.Store
	// SQL carries out a statement as somebody with the database's own tool would.
	// Tables: clients (client_id, cluster, namespace, name, record, mac), policies
	// (uid, cluster, record, mac), meta.
	SQL func(t *testing.T, statement string) error
	// Wipe takes all content away while no store is open.
	Wipe func(t *testing.T)
}

// test is a line of the contract.
type test struct {
	name string
	run  func(*testing.T, *world)
}

// Run the contract. fresh makes a Harness per test.
func Run(t *testing.T, fresh func(t *testing.T) Harness) {
	tests := []test{
		{"client is found as it was put", clientRoundTrip},
		{"client that is absent is ErrNotFound", clientAbsent},
		{"client is replaced by id", clientReplaced},
		{"client changes id in one transaction", clientChangesID},
		{"an error of decide changes nothing", decideError},
		{"the zero change writes nothing", zeroChange},
		{"an owner has one client", oneClientPerOwner},
		{"A16 SQL in every field of a client", a16Clients},
		{"A16 SQL in every field of a policy", a16Policies},
		{"A16 the character NUL", a16NUL},
		{"policy is put, replaced and deleted", policyLife},
		{"race: one of 50 creates the client", raceCreate},
		{"race: 50 counters rise one by one", raceCounter},
		{"race: one of 50 gets the policy", racePolicy},
		{"F6 a cancelled change is whole or not there", cancelled},
		{"feed tells each change once", feedIncrements},
		{"feed tells deletions", feedDeletions},
		{"feed leaves out what came back", feedDeletedAndBack},
		{"feed is full for a stranger", feedFull},
		{"feed is full after many deletions", feedBounded},
		{"Await wakes at a change", awaitWakes},
		{"Await lingers and honours its context", awaitEnds},
		{"content outlives closing", reopen},
		{"F9 a wiped store has another id", f9Wiped},
		{"F9 an older state is never taken for a newer", f9Older},
		{"other server keys empty the store", bindOther},
		{"what is not bound says so", notBound},
		{"F10 a row deleted by hand", f10Deleted},
		{"F10 a row edited by hand", f10Edited},
		{"F10 a row renamed by hand", f10Renamed},
		{"F10 a row that cannot be read", f10Garbage},
		{"F10 a row copied by hand", f10Copied},
		{"F10 the store's identity deleted by hand", f10Meta},
		{"O20 a store that began empty is not complete", completion},
		{"leases are renewed, expire and are dropped", leases},
		{"A16 SQL in every field of a lease, and in the id of the server keys", a16Leases},
		{"leases are no changes", leasesAreQuiet},
		{"writes are counted", writesCounted},
	}
	tests = slices.Concat(tests, codeTests, familyTests, familyRaces, sessionTests, signOutTests, consentTests, endTests, holdingTests, attemptTests, oneTimeTests, sweepTests, signingTests)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := &world{Harness: fresh(t)}
			w.open(t)
			t.Cleanup(func() { w.close(t) })
			w.bind(t, "keys-1")
			test.run(t, w)
		})
	}
}

// world is one test's store.
type world struct {
	Harness
	store store.Store
	id    string // of the store
}

func (w *world) open(t *testing.T) {
	t.Helper()
	w.store = Sign(w.Open(t))
}

func (w *world) close(t *testing.T) {
	t.Helper()
	if w.store == nil {
		return
	}
	if err := w.store.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	w.store = nil
}

func (w *world) bind(t *testing.T, keys string) (wiped bool) {
	t.Helper()
	id, wiped, err := w.store.Bind(t.Context(), keys)
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	w.id = id
	return wiped
}

func (w *world) sql(t *testing.T, statement string) {
	t.Helper()
	if err := w.SQL(t, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// changes since a revision of this store.
func (w *world) changes(t *testing.T, since int64) store.Changes {
	t.Helper()
	ch, err := w.store.Changes(t.Context(), w.id, since)
	if err != nil {
		t.Fatalf("changes since %d: %v", since, err)
	}
	return ch
}

func (w *world) revision(t *testing.T) int64 {
	t.Helper()
	return w.changes(t, 0).Revision
}

// await the revision to leave since, however often it takes.
func (w *world) await(t *testing.T, since int64) store.Changes {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if ch := w.changes(t, since); ch.Full || ch.Revision != since {
			return ch
		}
		if err := w.store.Await(ctx, since); err != nil {
			t.Fatalf("await: %v", err)
		}
	}
}
