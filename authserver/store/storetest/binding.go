package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

func reopen(t *testing.T, w *world) {
	c, p := client("a", owner("a")), samplePolicy("p")
	w.put(t, c)
	last := w.putPolicy(t, p)
	id := w.id
	w.close(t)
	w.open(t)
	if wiped := w.bind(t, "keys-1"); wiped || w.id != id {
		t.Errorf("store %q was %q before, wiped %v", w.id, id, wiped)
	}
	ch := w.changes(t, 0)
	wantDiff(t, "clients", []store.Client{c}, ch.Clients)
	wantDiff(t, "policies", []store.Policy{p}, ch.Policies)
	if ch.Revision < last {
		t.Errorf("revision went back from %d to %d", last, ch.Revision)
	}
}

func f9Wiped(t *testing.T, w *world) {
	last := w.put(t, client("a", owner("a")))
	id := w.id
	w.close(t)
	w.Wipe(t)
	w.open(t)
	if wiped := w.bind(t, "keys-1"); wiped {
		t.Error("an empty store had nothing to lose")
	}
	if w.id == id {
		t.Error("the wiped store has the id of the one before")
	}
	ch, err := w.store.Changes(t.Context(), id, last)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "for who knew the one before", store.Changes{StoreID: w.id, Revision: ch.Revision, Full: true}, ch)
}

// f9Older: the tail of what was written is lost (a power loss, a restored backup),
// and as much is written afterwards: the revisions of before must not look as if
// they were known.
func f9Older(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	known := w.put(t, client("b", owner("b")))
	w.close(t)
	if err := w.SQL(t, `UPDATE meta SET revision = revision - 1`); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	w.bind(t, "keys-1")
	for _, name := range []string{"c", "d", "e"} {
		w.put(t, client(name, owner(name)))
	}
	if ch := w.changes(t, known); !ch.Full || len(ch.Clients) != 5 {
		t.Errorf("full %v with %d clients, want all 5", ch.Full, len(ch.Clients))
	}
}

func bindOther(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	last := w.putPolicy(t, samplePolicy("p"))
	id := w.id
	if wiped := w.bind(t, "keys-1"); wiped || w.id != id {
		t.Errorf("the same keys: store %q was %q before, wiped %v", w.id, id, wiped)
	}
	if wiped := w.bind(t, "keys-2"); !wiped || w.id == id {
		t.Errorf("other keys: store %q was %q before, wiped %v", w.id, id, wiped)
	}
	ch := w.changes(t, 0)
	if len(ch.Clients)+len(ch.Policies) != 0 {
		t.Errorf("not emptied: %+v", ch)
	}
	if ch.Revision <= last {
		t.Errorf("revision went from %d to %d", last, ch.Revision)
	}
	if wiped := w.bind(t, "keys-3"); wiped {
		t.Error("there was nothing to lose")
	}
}

func notBound(t *testing.T, w *world) {
	w.close(t)
	w.Wipe(t)
	w.open(t)
	if _, err := w.store.Changes(t.Context(), "", 0); !errors.Is(err, store.ErrNotBound) {
		t.Errorf("Changes: error %v, want ErrNotBound", err)
	}
	_, err := w.store.ChangeClient(t.Context(), owner("a"), "a", func(store.ExistingClients) (store.ClientChange, error) {
		t.Error("asked for a decision")
		return store.ClientChange{}, nil
	})
	if !errors.Is(err, store.ErrNotBound) {
		t.Errorf("ChangeClient: error %v, want ErrNotBound", err)
	}
	_, err = w.store.ChangePolicy(t.Context(), "p", func(*store.Policy) (store.PolicyChange, error) {
		t.Error("asked for a decision")
		return store.PolicyChange{}, nil
	})
	if !errors.Is(err, store.ErrNotBound) {
		t.Errorf("ChangePolicy: error %v, want ErrNotBound", err)
	}
}
