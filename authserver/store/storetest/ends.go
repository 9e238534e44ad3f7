package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

var endTests = []test{
	{"A19 a client that is removed takes along what people allowed it", a19Removed},
	{"A19 another incarnation inherits nothing", a19Replaced},
	{"A19 a client that changes its id takes nothing along", a19ChangedID},
	{"A19 consents end, and tokens live on", a19ConsentsEnd},
	{"an update ends nothing", updateEndsNothing},
}

// given is what a person allowed a client: a consent, a family, a code that was
// taken and leads to "<id> taken", and one that was not.
type given struct {
	client        store.Client
	consent       store.Consent
	family        store.Family
	taken, unused store.Code
	withdrew      string // a person who took its access away
}

func (w *world) give(t *testing.T, id string) given {
	t.Helper()
	g := given{client: client(id, owner(id)), consent: consent("a"), family: family(id), taken: code(id + " taken"), unused: code(id + " unused"), withdrew: "user/2"}
	for _, clientID := range []*string{&g.consent.ClientID, &g.family.Grant.ClientID, &g.taken.Grant.ClientID, &g.unused.Grant.ClientID} {
		*clientID = id
	}
	w.put(t, g.client)
	w.withdraw(t, g.withdrew, id, sampleTime)
	w.consent(t, g.consent)
	w.putFamily(t, g.family)
	w.putCode(t, g.taken)
	w.putCode(t, g.unused)
	w.wantTake(t, g.taken, sampleTime, nil)
	return g
}

// wantGranted says that everything is as it was given.
func (w *world) wantGranted(t *testing.T, g given) {
	t.Helper()
	w.wantConsent(t, g.consent)
	w.wantWithdrawn(t, g.withdrew, g.client.Registration.ClientID, true)
	w.wantFamily(t, g.family)
	w.wantTake(t, g.unused, sampleTime, nil)
	later := family(g.taken.FamilyID)
	later.Grant = g.family.Grant
	w.putFamily(t, later)
}

func (w *world) wantEnded(t *testing.T, g given) {
	t.Helper()
	w.wantNoConsent(t, g.consent)
	w.wantWithdrawn(t, g.withdrew, g.client.Registration.ClientID, false)
	if f, err := w.store.Family(t.Context(), g.family.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("family %+v, %v, want none", f, err)
	}
	if err := w.store.AdvanceFamily(t.Context(), 1, next(g.family)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a refresh that was under way: %v, want ErrConflict", err)
	}
	w.wantTake(t, g.unused, sampleTime, store.ErrUsed)
	if err := w.store.PutFamily(t.Context(), family(g.taken.FamilyID)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the family of a code that was taken before: %v, want ErrConflict", err)
	}
}

func (w *world) reopen(t *testing.T) {
	t.Helper()
	w.close(t)
	w.open(t)
	w.bind(t, "keys-1")
}

func a19Removed(t *testing.T, w *world) {
	gone, other := w.give(t, "gone"), w.give(t, "other")
	w.remove(t, gone.client)
	w.reopen(t)
	w.put(t, gone.client) // the same id again, whoever that is
	w.wantEnded(t, gone)
	w.wantGranted(t, other)
}

func a19Replaced(t *testing.T, w *world) {
	before, other := w.give(t, "client"), w.give(t, "other")
	after := before.client
	w.change(t, after, store.ClientChange{Put: &after, EndGrants: true})
	w.wantEnded(t, before)
	w.wantGranted(t, other)
}

func a19ChangedID(t *testing.T, w *world) {
	before := w.give(t, "before")
	after := client("after", owner("before"))
	left := family("left behind") // of somebody who had the id once
	left.Grant.ClientID = "after"
	w.putFamily(t, left)
	w.change(t, after, store.ClientChange{Delete: "before", Put: &after, EndGrants: true})
	w.wantEnded(t, before)
	if _, err := w.store.Family(t.Context(), left.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func a19ConsentsEnd(t *testing.T, w *world) {
	g := w.give(t, "client")
	w.change(t, g.client, store.ClientChange{Put: &g.client, EndConsents: true})
	w.wantNoConsent(t, g.consent)
	w.consent(t, g.consent)
	w.wantGranted(t, g)
}

func updateEndsNothing(t *testing.T, w *world) {
	g := w.give(t, "client")
	g.client.Registration.ClientName = "Another name"
	w.put(t, g.client)
	w.wantGranted(t, g)
}

func a19SweepConsents(t *testing.T, w *world) {
	kept := w.give(t, "kept")
	for _, id := range []string{"by hand", "zz"} {
		c := consent("a", "b")
		c.ClientID = id
		w.consent(t, c)
	}
	w.put(t, client("zz", owner("zz")))
	w.withdraw(t, "user/2", "zz", sampleTime)
	w.sql(t, `DELETE FROM clients WHERE client_id = 'zz'`)
	w.sweep(t, sampleTime, 5)
	before := w.store.Writes()
	w.sweep(t, sampleTime, 0)
	if n := w.store.Writes() - before; n != 0 {
		t.Errorf("an idle sweep made %d writes", n)
	}
	w.wantConsent(t, kept.consent)
	w.wantConsents(t, "user/1", kept.consent)
	w.wantWithdrawn(t, "user/2", "zz", false)
	w.wantWithdrawn(t, "user/2", "kept", true)
}
