package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

func feedIncrements(t *testing.T, w *world) {
	a, b, p := client("a", owner("a")), client("b", owner("b")), samplePolicy("p")
	r0 := w.revision(t)
	r1 := w.put(t, a)
	r2 := w.put(t, b)
	r3 := w.putPolicy(t, p)
	a.Digest = "another"
	r4 := w.put(t, a)
	if !(r0 < r1 && r1 < r2 && r2 < r3 && r3 < r4) {
		t.Errorf("revisions do not rise: %d %d %d %d %d", r0, r1, r2, r3, r4)
	}
	for _, test := range []struct {
		since    int64
		clients  []store.Client
		policies []store.Policy
	}{
		{r0, []store.Client{b, a}, []store.Policy{p}},
		{r1, []store.Client{b, a}, []store.Policy{p}},
		{r2, []store.Client{a}, []store.Policy{p}},
		{r3, []store.Client{a}, nil},
		{r4, nil, nil},
	} {
		ch := w.changes(t, test.since)
		want := store.Changes{StoreID: w.id, Revision: r4, Clients: test.clients, Policies: test.policies}
		wantDiff(t, fmt.Sprintf("since %d", test.since), want, ch)
	}
}

func feedDeletions(t *testing.T, w *world) {
	c := client("a", owner("a"))
	w.put(t, c)
	since := w.putPolicy(t, samplePolicy("p"))
	gone := w.remove(t, c)
	last := w.changePolicy(t, "p", store.PolicyChange{Delete: true})
	want := store.Changes{StoreID: w.id, Revision: last, DeletedClients: []string{"a"}, DeletedPolicies: []string{"p"}}
	wantDiff(t, "both", want, w.changes(t, since))
	want.DeletedClients = nil
	wantDiff(t, "after the first", want, w.changes(t, gone))
	if again := w.remove(t, c); again != last {
		t.Errorf("deleting what is gone moved the revision from %d to %d", last, again)
	}
}

func feedDeletedAndBack(t *testing.T, w *world) {
	c := client("a", owner("a"))
	since := w.put(t, c)
	w.remove(t, c)
	last := w.put(t, c)
	wantDiff(t, "changes", store.Changes{StoreID: w.id, Revision: last, Clients: []store.Client{c}}, w.changes(t, since))
}

func feedFull(t *testing.T, w *world) {
	c := client("a", owner("a"))
	last := w.put(t, c)
	want := store.Changes{StoreID: w.id, Revision: last, Full: true, Clients: []store.Client{c}}
	for _, test := range []struct {
		name    string
		storeID string
		since   int64
	}{
		{"another store", "another", last},
		{"no store", "", last},
		{"zero", w.id, 0},
		{"negative", w.id, -1},
		{"the future", w.id, last + 1},
		{"before this life of the store", w.id, 1},
	} {
		ch, err := w.store.Changes(t.Context(), test.storeID, test.since)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		wantDiff(t, test.name, want, ch)
	}
}

// feedBounded: the log of deletions does not grow for ever, and who has not kept
// up is told so.
func feedBounded(t *testing.T, w *world) {
	c := client("a", owner("a"))
	since := w.put(t, c)
	w.sql(t, `CREATE TABLE numbers (n INTEGER NOT NULL)`)
	w.sql(t, `INSERT INTO numbers WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 4200) SELECT n FROM up`)
	w.sql(t, `INSERT INTO clients (client_id, cluster, namespace, name, record, mac) SELECT 'x' || n, '', '', '', '{}', '' FROM numbers`)
	middle := w.revision(t)
	w.sql(t, `DELETE FROM clients WHERE client_id <> 'a'`)
	last := w.revision(t)
	for _, from := range []int64{since, middle} {
		ch := w.changes(t, from)
		wantDiff(t, "who is far behind", store.Changes{StoreID: w.id, Revision: last, Full: true, Clients: []store.Client{c}}, ch)
	}
	if ch := w.changes(t, last-2000); ch.Full || len(ch.DeletedClients) != 2000 {
		t.Errorf("who is near: full %v, %d deletions, want 2000", ch.Full, len(ch.DeletedClients))
	}
}

func awaitWakes(t *testing.T, w *world) {
	since := w.revision(t)
	woken := make(chan error, 1)
	go func() {
		for {
			err := w.store.Await(t.Context(), since)
			ch, changesErr := w.store.Changes(t.Context(), w.id, since)
			if err != nil || changesErr != nil || ch.Revision != since {
				woken <- errors.Join(err, changesErr)
				return
			}
		}
	}()
	w.put(t, client("a", owner("a")))
	select {
	case err := <-woken:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody woke up")
	}
	if err := w.store.Await(t.Context(), since); err != nil {
		t.Errorf("of a revision that is past: %v", err)
	}
}

func awaitEnds(t *testing.T, w *world) {
	since := w.revision(t)
	if err := w.store.Await(t.Context(), since); err != nil {
		t.Errorf("nothing happened, and Await did not end quietly: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.store.Await(ctx, since); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
