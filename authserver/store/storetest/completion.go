package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

// completion: a store begins incomplete, is marked once by its id, which moves the revision
// on, and stays so until it is another store.
func completion(t *testing.T, w *world) {
	first := w.changes(t, 0)
	if first.Complete {
		t.Fatal("an empty store is complete")
	}
	if err := w.store.MarkComplete(t.Context(), "another"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("marked by another id: %v", err)
	}
	if w.changes(t, first.Revision).Complete {
		t.Fatal("it became complete by another store's id")
	}
	for range 2 {
		if err := w.store.MarkComplete(t.Context(), w.id); err != nil {
			t.Fatal(err)
		}
	}
	marked := w.changes(t, first.Revision)
	if !marked.Complete || marked.Revision != first.Revision+1 || marked.Full || len(marked.Clients) > 0 {
		t.Errorf("after it was marked twice: %+v, want the revision after %d", marked, first.Revision)
	}
	w.put(t, client("a", owner("a")))
	w.close(t)
	w.open(t)
	w.bind(t, "keys-1")
	if !w.changes(t, 0).Complete {
		t.Error("it is not complete any more after it was opened again")
	}
	w.bind(t, "keys-2")
	if w.changes(t, 0).Complete {
		t.Error("bound to other server keys, which empties it, it is still complete")
	}
}
