package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

var signOutTests = []test{
	{"A19 a sign-out ends all that a person began, and nothing of others", a19SignOut},
	{"A19 what was begun before a sign-out and written after it is over", a19LateToASignOut},
	{"A19 a sign-out against whoever is about to write", a19SignOutRace},
	{"A19 sign-outs of one person against each other", a19SignOuts},
	{"R5 sign-outs with one mark", r5Marks},
	{"F10 a sign-out deleted by hand brings nothing back", f10SignOut},
	{"A16 SQL in the person of a sign-out", a16SignOuts},
}

// begun is what somebody has who was signed out so often before.
type begun struct {
	session store.Session
	code    store.Code // of the family
	family  store.Family
	// Codes that led to no family yet.
	untaken, taken store.Code
}

func begin(id, subject string, signOuts int64) begun {
	b := begun{session: session(id, subject), code: code(id), family: family(id), untaken: code(id + " untaken"), taken: code(id + " taken")}
	b.session.SignOuts = signOuts
	for _, g := range []*store.Grant{&b.code.Grant, &b.family.Grant, &b.untaken.Grant, &b.taken.Grant} {
		g.Subject, g.SignOuts = subject, signOuts
	}
	return b
}

// write it; no code is taken yet.
func (w *world) write(t *testing.T, b begun) begun {
	t.Helper()
	w.putSession(t, b.session)
	w.putCode(t, b.code)
	w.putFamily(t, b.family)
	w.putCode(t, b.untaken)
	w.putCode(t, b.taken)
	return b
}

func (w *world) signOut(t *testing.T, subject string, at time.Time) store.Ended {
	t.Helper()
	ended, err := w.store.SignOut(t.Context(), subject, "", at)
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

func (w *world) wantSignOuts(t *testing.T, subject string, want int64) {
	t.Helper()
	if n, err := w.store.SignOuts(t.Context(), subject); err != nil || n != want {
		t.Errorf("%s: %d sign-outs, %v, want %d", subject, n, err, want)
	}
}

// wantBegun wants it to be as it was written; untaken is taken.
func (w *world) wantBegun(t *testing.T, b begun) {
	t.Helper()
	w.wantSession(t, b.session, sampleTime)
	w.wantFamily(t, b.family)
	w.wantCode(t, b.untaken, sampleTime, nil)
	w.wantTake(t, b.untaken, sampleTime, nil)
}

// wantOver wants it to have ended at a time.
func (w *world) wantOver(t *testing.T, b begun, at time.Time) {
	t.Helper()
	w.wantNoSession(t, b.session.Hash, sampleTime)
	b.family.Revoked = at
	w.wantFamily(t, b.family)
	w.wantCode(t, b.untaken, sampleTime, store.ErrNotFound)
	for range 2 { // the first may have to find out
		w.wantTake(t, b.untaken, sampleTime, store.ErrUsed)
	}
}

// wantHas wants these sessions and families, and no others, of a person.
func (w *world) wantHas(t *testing.T, subject string, all ...begun) {
	t.Helper()
	var sessions []store.Session
	var families []store.Family
	for _, b := range all {
		sessions, families = append(sessions, b.session), append(families, b.family)
	}
	gotSessions, err := w.store.SessionsOf(t.Context(), subject, sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "sessions of "+subject, sessions, gotSessions)
	gotFamilies, err := w.store.FamiliesOf(t.Context(), subject, sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "families of "+subject, families, gotFamilies)
}

func a19SignOut(t *testing.T, w *world) {
	a, b, other := w.write(t, begin("a", "user/1", 0)), w.write(t, begin("b", "user/1", 0)), w.write(t, begin("other", "user/2", 0))
	w.wantTake(t, a.taken, sampleTime, nil)
	revision := w.revision(t)
	if ended := w.signOut(t, "user/1", sampleTime); ended != (store.Ended{Sessions: 2, Families: 2}) {
		t.Errorf("ended %+v", ended)
	}
	if err := w.store.PutFamily(t.Context(), family(a.taken.FamilyID)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the family of a code that was taken before: %v, want ErrConflict", err)
	}
	if after := w.revision(t); after != revision {
		t.Errorf("a sign-out moved the revision from %d to %d", revision, after)
	}
	w.reopen(t)
	w.wantHas(t, "user/1")
	w.wantOver(t, a, sampleTime)
	w.wantOver(t, b, sampleTime)
	w.wantHas(t, "user/2", other)
	w.wantBegun(t, other)
	if ended := w.signOut(t, "user/1", sampleTime.Add(time.Hour)); ended != (store.Ended{}) {
		t.Errorf("ended again: %+v", ended)
	}
	a.family.Revoked = sampleTime // the first time counts
	w.wantFamily(t, a.family)
	w.wantSignOuts(t, "user/1", 2)
	w.wantSignOuts(t, "user/2", 0)
}

func a19LateToASignOut(t *testing.T, w *world) {
	w.signOut(t, "user/1", sampleTime.Add(time.Hour))
	late := w.write(t, begin("late", "user/1", 0))
	anew, other := w.write(t, begin("anew", "user/1", 1)), w.write(t, begin("other", "user/2", 0))
	w.reopen(t)
	w.wantHas(t, "user/1", anew)
	w.wantOver(t, late, sampleTime.Add(time.Hour))
	w.wantBegun(t, anew)
	w.wantBegun(t, other)

	// By a clock that is behind: how often counts, and the time does not move back.
	w.signOut(t, "user/1", sampleTime)
	later := w.write(t, begin("later", "user/1", 1))
	w.wantOver(t, later, sampleTime.Add(time.Hour))
	w.wantHas(t, "user/1")
	w.wantBegun(t, w.write(t, begin("anew again", "user/1", 2)))
}

// a19SignOutRace: somebody signs in, and an app gets a code and tokens, while they are
// signed out. Whatever came first: what lives began afterwards.
func a19SignOutRace(t *testing.T, w *world) {
	for i := range 12 {
		subject := fmt.Sprintf("user:%d", i)
		w.write(t, begin("before "+subject, subject, 0))
		var mine begun
		raceOf(2, func(racer int) {
			if racer == 0 {
				if _, err := w.store.SignOut(t.Context(), subject, "", sampleTime); err != nil {
					t.Error(err)
				}
				return
			}
			n, err := w.store.SignOuts(t.Context(), subject)
			if err != nil {
				t.Error(err)
			}
			mine = begin("racer "+subject, subject, n)
			for _, err := range []error{
				w.store.PutSession(t.Context(), mine.session), w.store.PutCode(t.Context(), mine.untaken), w.store.PutFamily(t.Context(), mine.family),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		})
		if mine.session.SignOuts == 0 {
			w.wantHas(t, subject)
			w.wantOver(t, mine, sampleTime)
		} else {
			w.wantHas(t, subject, mine)
			w.wantBegun(t, mine)
		}
	}
}

func a19SignOuts(t *testing.T, w *world) {
	b := w.write(t, begin("a", "user/1", 0))
	var all [16]store.Ended
	raceOf(len(all), func(i int) {
		var err error
		if all[i], err = w.store.SignOut(t.Context(), "user/1", "", sampleTime); err != nil {
			t.Error(err)
		}
	})
	var sum store.Ended
	for _, ended := range all {
		sum.Sessions, sum.Families = sum.Sessions+ended.Sessions, sum.Families+ended.Families
	}
	if sum != (store.Ended{Sessions: 1, Families: 1}) {
		t.Errorf("together they ended %+v", sum)
	}
	w.wantSignOuts(t, "user/1", int64(len(all)))
	w.wantOver(t, b, sampleTime)
}

// r5Marks: each replica signs a person out after one event.
func r5Marks(t *testing.T, w *world) {
	for i, c := range []struct {
		mark  string
		ended int
	}{{"", 1}, {"a", 1}, {"a", 0}, {"", 1}, {"a", 0}, {"b", 1}, {"a", 1}} {
		epoch, err := w.store.SignOuts(t.Context(), "user/1")
		if err != nil {
			t.Fatal(err)
		}
		b := w.write(t, begin(fmt.Sprint(i), "user/1", epoch))
		ended, err := w.store.SignOut(t.Context(), "user/1", c.mark, sampleTime)
		if err != nil || ended.Sessions < c.ended || c.ended == 0 && ended != (store.Ended{}) {
			t.Errorf("%d: ended %+v, %v", i, ended, err)
		}
		w.wantSignOuts(t, "user/1", epoch+int64(c.ended))
		if c.ended == 0 {
			w.wantBegun(t, b)
		} else {
			w.wantOver(t, b, sampleTime)
		}
	}
}

func f10SignOut(t *testing.T, w *world) {
	w.signOut(t, "user/1", sampleTime)
	anew := w.write(t, begin("anew", "user/1", 1))
	w.sql(t, `DELETE FROM signouts`)
	w.wantHas(t, "user/1")
	w.wantOver(t, anew, time.Unix(1, 0).UTC())
}

func a16SignOuts(t *testing.T, w *world) {
	for _, text := range hostile {
		b := w.write(t, begin("of "+text, text, 0))
		if ended := w.signOut(t, text, sampleTime); ended != (store.Ended{Sessions: 1, Families: 1}) {
			t.Errorf("%q: ended %+v", text, ended)
		}
		w.wantSignOuts(t, text, 1)
		w.wantOver(t, b, sampleTime)
	}
	if _, err := w.store.SignOut(t.Context(), "", "", sampleTime); err == nil {
		t.Error("nobody was signed out: an empty filter chooses everybody")
	}
}
