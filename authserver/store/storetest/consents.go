package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

var consentTests = []test{
	{"consents are added up", consentMerges},
	{"A19 what was allowed to an earlier incarnation does not count", a19ConsentSince},
	{"a consent that adds nothing writes nothing", consentIdle},
	{"race: 50 consents are all there", consentRace},
	{"A19 consents are withdrawn for every resource", consentWithdrawn},
	{"A19 a withdrawal is kept, whatever is allowed afterwards", a19Withdrawal},
	{"it is told whether there was something to withdraw", tellsWithdrawn},
	{"S1 a consent holds at its place", s1ConsentPlaces},
	{"S9 a consent holds while its client is what was promised", s9ConsentPromises},
	{"A16 SQL in every field of a consent", a16Consents},
}

func consent(scopes ...string) store.Consent {
	return store.Consent{Subject: "user/1", ClientID: "shop.web", Resource: "https://api.example.com", Scopes: scopes, Granted: sampleTime}
}

func (w *world) consent(t *testing.T, c store.Consent) store.Consent {
	t.Helper()
	if err := w.store.AddConsent(t.Context(), c, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) wantConsent(t *testing.T, want store.Consent) {
	t.Helper()
	got, err := w.store.Consent(t.Context(), want.Key(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "consent", want, got)
}

func (w *world) wantNoConsent(t *testing.T, c store.Consent) {
	t.Helper()
	if got, err := w.store.Consent(t.Context(), c.Key(time.Time{})); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found %+v, %v, want ErrNotFound", got, err)
	}
}

func consentMerges(t *testing.T, w *world) {
	revision := w.revision(t)
	w.wantNoConsent(t, consent())
	w.wantConsent(t, w.consent(t, consent("b", "c")))
	later := consent("c", "a")
	later.Granted = sampleTime.Add(time.Hour)
	w.consent(t, later)
	later.Scopes = []string{"a", "b", "c"}
	w.wantConsent(t, later)
	for _, edit := range []func(*store.Consent){
		func(c *store.Consent) { c.Subject = "user/2" },
		func(c *store.Consent) { c.ClientID = "shop.other" },
		func(c *store.Consent) { c.Resource = "https://api.example.com/" },
	} {
		other := consent("z")
		edit(&other)
		w.wantNoConsent(t, other)
		w.consent(t, other)
		w.wantConsent(t, other)
	}
	w.wantConsent(t, later)
	if after := w.revision(t); after != revision {
		t.Errorf("a consent moved the revision from %d to %d", revision, after)
	}
}

// a19ConsentSince: neither do its rows count beside new ones, nor do they stand in
// the way of new ones.
func a19ConsentSince(t *testing.T, w *world) {
	w.consent(t, consent("a", "b"))
	since := sampleTime.Add(time.Hour)
	read := func() (store.Consent, error) {
		return w.store.Consent(t.Context(), consent().Key(since))
	}
	if got, err := read(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found %+v, %v of the incarnation before", got, err)
	}
	for _, scope := range []string{"b", "c"} {
		c := consent(scope)
		c.Granted = since
		if err := w.store.AddConsent(t.Context(), c, since); err != nil {
			t.Fatal(err)
		}
	}
	got, err := read()
	if err != nil {
		t.Fatal(err)
	}
	want := consent("b", "c")
	want.Granted = since
	wantDiff(t, "consent since the new incarnation", want, got)
}

func consentIdle(t *testing.T, w *world) {
	w.consent(t, consent("a", "b"))
	before := w.store.Writes()
	again := consent("b")
	again.Granted = sampleTime.Add(time.Hour)
	w.consent(t, again)
	if n := w.store.Writes() - before; n != 0 {
		t.Errorf("%d writes", n)
	}
	w.wantConsent(t, consent("a", "b")) // with the time of when it was widened last
}

func consentRace(t *testing.T, w *world) {
	var want []string
	for i := range racers {
		want = append(want, fmt.Sprintf("scope-%d", i))
	}
	race(func(i int) {
		if err := w.store.AddConsent(t.Context(), consent(want[i], want[(i+1)%racers], "shared"), time.Time{}); err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	})
	want = append(want, "shared")
	slices.Sort(want)
	w.wantConsent(t, consent(want...))
}

func consentWithdrawn(t *testing.T, w *world) {
	a, b, kept := consent("a"), consent("b"), consent("c")
	b.Resource = "https://other.example.com"
	kept.ClientID = "shop.other"
	for _, c := range []store.Consent{a, b, kept} {
		w.consent(t, c)
	}
	w.wantConsents(t, "user/1", kept, a, b)
	for range 2 { // none is no error
		w.withdraw(t, "user/1", "shop.web", sampleTime)
		w.wantNoConsent(t, a)
		w.wantNoConsent(t, b)
		w.wantConsents(t, "user/1", kept)
	}
	w.wantConsents(t, "user/2")
}

// s1ConsentPlaces: places are told apart when consents are written, read and listed; a
// person withdraws from a client, wherever it leads.
func s1ConsentPlaces(t *testing.T, w *world) {
	good, evil := consent("a", "b"), consent("b", "c")
	good.Place, evil.Place = "https://github.com", "https://evil.example"
	w.consent(t, good)
	w.wantNoConsent(t, evil)
	w.wantNoConsent(t, consent())
	w.consent(t, evil)
	w.wantConsent(t, good)
	w.wantConsent(t, evil)
	w.wantNoConsent(t, consent())
	w.wantConsents(t, "user/1", evil, good)
	w.withdraw(t, "user/1", "shop.web", sampleTime)
	w.wantConsents(t, "user/1")
}

// s9ConsentPromises: what was allowed under another promise neither counts nor stands in
// the way.
func s9ConsentPromises(t *testing.T, w *world) {
	before, after := consent("a", "b"), consent("b", "c")
	before.Promise, after.Promise = "once", "keeps"
	w.consent(t, before)
	w.wantNoConsent(t, after)
	w.consent(t, after)
	w.wantConsent(t, after)
	left := consent("a")
	left.Promise = "once"
	w.wantConsent(t, left)
	w.wantConsents(t, "user/1", after, left)
}

func (w *world) withdraw(t *testing.T, subject, clientID string, at time.Time) {
	t.Helper()
	if _, err := w.store.WithdrawConsents(t.Context(), subject, clientID, at); err != nil {
		t.Fatalf("%q withdraws %q: %v", subject, clientID, err)
	}
}

// tellsWithdrawn: whether there was something to withdraw.
func tellsWithdrawn(t *testing.T, w *world) {
	w.put(t, client("shop.web", owner("web")))
	w.consent(t, consent("a"))
	gone := consent("a")
	gone.ClientID = "shop.gone"
	w.consent(t, gone)
	for _, c := range []struct {
		subject, clientID string
		at                time.Time
		want              bool
	}{
		{"user/1", "shop.made-up", sampleTime, false},
		{"user/1", "shop.gone", sampleTime, true},
		{"user/1", "shop.gone", sampleTime, false},
		{"user/1", "shop.web", sampleTime, true},
		{"user/1", "shop.web", sampleTime, false},
		{"user/2", "shop.web", sampleTime, true}, // it may be trusted
		{"user/2", "shop.web", sampleTime.Add(time.Second), true},
	} {
		if got, err := w.store.WithdrawConsents(t.Context(), c.subject, c.clientID, c.at); err != nil || got != c.want {
			t.Errorf("%s withdraws %s: %v, %v, want %v", c.subject, c.clientID, got, err, c.want)
		}
	}
}

func (w *world) wantWithdrawn(t *testing.T, subject, clientID string, want bool) {
	t.Helper()
	if got, err := w.store.Withdrawn(t.Context(), subject, clientID, sampleTime); err != nil || got != want {
		t.Errorf("withdrawn by %q from %q: %v, %v, want %v", subject, clientID, got, err, want)
	}
}

// a19Withdrawal: it counts for what the client is since a time, as consents do. A
// client that there is not takes no row: anybody can name one.
func a19Withdrawal(t *testing.T, w *world) {
	before := w.store.Writes()
	w.withdraw(t, "user/1", "shop.web", sampleTime)
	if n := w.store.Writes() - before; n != 0 {
		t.Errorf("%d writes for a client that is not there", n)
	}
	w.put(t, client("shop.web", owner("web")))
	w.put(t, client("shop.other", owner("other")))
	w.wantWithdrawn(t, "user/1", "shop.web", false)
	w.withdraw(t, "user/1", "shop.web", sampleTime)
	w.withdraw(t, "user/1", "shop.web", sampleTime.Add(-time.Hour)) // another replica's clock
	w.consent(t, consent("a"))
	w.wantWithdrawn(t, "user/1", "shop.web", true)
	w.wantWithdrawn(t, "user/2", "shop.web", false)
	w.wantWithdrawn(t, "user/1", "shop.other", false)
	later := sampleTime.Add(time.Second)
	if got, err := w.store.Withdrawn(t.Context(), "user/1", "shop.web", later); err != nil || got {
		t.Errorf("%v, %v: it was an earlier incarnation's", got, err)
	}
	w.withdraw(t, "user/1", "shop.web", later)
	if got, err := w.store.Withdrawn(t.Context(), "user/1", "shop.web", later); err != nil || !got {
		t.Errorf("%v, %v: withdrawn once more", got, err)
	}
	w.wantNoConsent(t, consent("a"))
}

func (w *world) wantConsents(t *testing.T, subject string, want ...store.Consent) {
	t.Helper()
	got, err := w.store.ConsentsOf(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "consents", want, got)
}

func a16Consents(t *testing.T, w *world) {
	for _, text := range hostile {
		c := store.Consent{Subject: "s" + text, ClientID: text, Resource: text, Place: text, Promise: text, Scopes: []string{text}, Granted: sampleTime}
		w.consent(t, c)
		w.wantConsent(t, c)
		w.withdraw(t, c.Subject, text, sampleTime)
		w.wantNoConsent(t, c)
		w.wantWithdrawn(t, c.Subject, text, false)
	}
}
