package storetest

import (
	"errors"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

var familyTests = []test{
	{"family is found as it was put", familyRoundTrip},
	{"family moves on from its generation only", familyAdvances},
	{"a refresh costs one write", familyAdvanceIsOneWrite},
	{"families are revoked by filter", familyFilters},
	{"a revoked family stays where it is", familyRevokedStays},
	{"a person's families are those that live", familiesOf},
	{"families outlive closing", familiesReopen},
	{"F9 other server keys end what people did", f9Flows},
}

// family with something in every field: three days absolutely, one if unused.
func family(id string) store.Family {
	return store.Family{
		ID: id, Grant: grant("user/1", "shop.web"), Generation: 1, Current: "v1:current", Rotations: []store.Rotation{{At: 1, Key: 2}}, Retries: store.Retries{Generation: 1, InRow: 1},
		Created: sampleTime, Rotated: sampleTime.Add(time.Minute),
		Expires: sampleTime.Add(72 * time.Hour), IdleExpires: sampleTime.Add(24 * time.Hour),
	}
}

// next is the family one generation on.
func next(f store.Family) store.Family {
	f.Generation++
	f.Current += "+"
	f.Rotations = append(f.Rotations, store.Rotation{At: f.Generation, Key: 3})
	f.Retries = store.Retries{Generation: f.Generation, InRow: 2}
	f.Rotated = f.Rotated.Add(time.Hour)
	f.IdleExpires = f.IdleExpires.Add(time.Hour)
	return f
}

func (w *world) putFamily(t *testing.T, f store.Family) store.Family {
	t.Helper()
	if err := w.store.PutFamily(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return f
}

func (w *world) wantFamily(t *testing.T, want store.Family) {
	t.Helper()
	got, err := w.store.Family(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "family", want, got)
}

func (w *world) revoke(t *testing.T, filter store.FamilyFilter) int {
	t.Helper()
	n, err := w.store.RevokeFamilies(t.Context(), filter, sampleTime)
	if err != nil {
		t.Errorf("revoke %+v: %v", filter, err)
	}
	return n
}

func familyRoundTrip(t *testing.T, w *world) {
	revision := w.revision(t)
	if _, err := w.store.Family(t.Context(), "f"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	f := w.putFamily(t, family("f"))
	w.wantFamily(t, f)
	if err := w.store.PutFamily(t.Context(), f); err == nil {
		t.Error("the same family was put twice")
	}
	bare := store.Family{ID: "bare", Generation: 1, Expires: sampleTime.Add(time.Hour)}
	w.putFamily(t, bare)
	w.wantFamily(t, bare)
	if after := w.revision(t); after != revision {
		t.Errorf("a family moved the revision from %d to %d", revision, after)
	}
}

func familyAdvances(t *testing.T, w *world) {
	first := w.putFamily(t, family("f"))
	other := w.putFamily(t, family("other"))
	second := next(first)
	if err := w.store.AdvanceFamily(t.Context(), 1, second); err != nil {
		t.Fatal(err)
	}
	w.wantFamily(t, second)
	for name, from := range map[string]int64{"the generation before": 1, "the one to come": 3, "none": 0} {
		if err := w.store.AdvanceFamily(t.Context(), from, next(second)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("from %s: error %v, want ErrConflict", name, err)
		}
	}
	if err := w.store.AdvanceFamily(t.Context(), 1, next(family("unknown"))); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an unknown family: error %v, want ErrConflict", err)
	}
	w.wantFamily(t, second)
	w.wantFamily(t, other)
}

func familyAdvanceIsOneWrite(t *testing.T, w *world) {
	f := w.putFamily(t, family("f"))
	before := w.store.Writes()
	if err := w.store.AdvanceFamily(t.Context(), 1, next(f)); err != nil {
		t.Fatal(err)
	}
	if n := w.store.Writes() - before; n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	if err := w.store.AdvanceFamily(t.Context(), 1, next(f)); !errors.Is(err, store.ErrConflict) {
		t.Fatal(err)
	}
	if n := w.store.Writes() - before; n != 1 {
		t.Errorf("a refused refresh is counted as a write")
	}
}

func familyFilters(t *testing.T, w *world) {
	all := map[string]store.Grant{
		"a": {Subject: "user/1", ClientID: "x"},
		"b": {Subject: "user/1", ClientID: "x"},
		"c": {Subject: "user/1", ClientID: "y"},
		"d": {Subject: "user/2", ClientID: "x"},
	}
	tests := []struct {
		name   string
		filter store.FamilyFilter
		want   string
	}{
		{"nothing chooses nothing", store.FamilyFilter{}, ""},
		{"one", store.FamilyFilter{ID: "b"}, "b"},
		{"a person", store.FamilyFilter{Subject: "user/1"}, "abc"},
		{"a client", store.FamilyFilter{ClientID: "x"}, "abd"},
		{"a person's client", store.FamilyFilter{Subject: "user/1", ClientID: "x"}, "ab"},
		{"everything at once", store.FamilyFilter{ID: "a", Subject: "user/1", ClientID: "x"}, "a"},
		{"one that does not fit", store.FamilyFilter{ID: "a", Subject: "user/2"}, ""},
	}
	for i, test := range tests {
		prefix := string(rune('0' + i))
		for id, g := range all {
			// Each case has its own values, or the filters of the later ones would
			// find what the earlier ones left.
			g.Subject, g.ClientID = prefix+g.Subject, prefix+g.ClientID
			f := family(prefix + id)
			f.Grant = g
			w.putFamily(t, f)
		}
		filter := test.filter
		for _, member := range []*string{&filter.ID, &filter.Subject, &filter.ClientID} {
			if *member != "" {
				*member = prefix + *member
			}
		}
		if n := w.revoke(t, filter); n != len(test.want) {
			t.Errorf("%s: %d revoked, want %d", test.name, n, len(test.want))
		}
		got := ""
		for _, id := range []string{"a", "b", "c", "d"} {
			if f, err := w.store.Family(t.Context(), prefix+id); err != nil {
				t.Error(err)
			} else if !f.Revoked.IsZero() {
				got += id
			}
		}
		if got != test.want {
			t.Errorf("%s: revoked %q, want %q", test.name, got, test.want)
		}
		if n := w.revoke(t, filter); n != 0 {
			t.Errorf("%s: revoked %d of them again", test.name, n)
		}
	}
}

func familyRevokedStays(t *testing.T, w *world) {
	f := w.putFamily(t, family("f"))
	w.revoke(t, store.FamilyFilter{ID: "f"})
	if err := w.store.AdvanceFamily(t.Context(), 1, next(f)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	if _, err := w.store.RevokeFamilies(t.Context(), store.FamilyFilter{ID: "f"}, sampleTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	f.Revoked = sampleTime // the first time counts
	w.wantFamily(t, f)
}

func familiesOf(t *testing.T, w *world) {
	living, unused, over, revoked, other := family("a"), family("b"), family("c"), family("d"), family("e")
	unused.IdleExpires = sampleTime.Add(time.Hour)
	over.Expires = sampleTime.Add(time.Hour)
	other.Grant.Subject = "user/2"
	for _, f := range []store.Family{living, unused, over, revoked, other} {
		w.putFamily(t, f)
	}
	w.revoke(t, store.FamilyFilter{ID: "d"})
	for _, test := range []struct {
		now  time.Time
		want []store.Family
	}{
		{sampleTime, []store.Family{living, unused, over}},
		{sampleTime.Add(time.Hour), []store.Family{living}},
		{living.IdleExpires, nil},
	} {
		got, err := w.store.FamiliesOf(t.Context(), "user/1", test.now)
		if err != nil {
			t.Fatal(err)
		}
		wantDiff(t, "at "+test.now.String(), test.want, got)
	}
}

func familiesReopen(t *testing.T, w *world) {
	f := w.putFamily(t, family("f"))
	w.revoke(t, store.FamilyFilter{ID: "f"})
	c := w.putCode(t, code("g"))
	w.close(t)
	w.open(t)
	w.bind(t, "keys-1")
	f.Revoked = sampleTime
	w.wantFamily(t, f)
	w.wantTake(t, c, sampleTime, nil)
}

// f9Flows: keyed hashes of lost keys are worthless; what ended stays ended.
func f9Flows(t *testing.T, w *world) {
	w.putFamily(t, family("f"))
	c := w.putCode(t, code("g"))
	s := w.putSession(t, session("s", "user/1"))
	w.revokeToken(t, "jti", sampleTime.Add(time.Hour))
	if wiped := w.bind(t, "keys-2"); !wiped {
		t.Error("there was a family, and nothing was lost")
	}
	if _, err := w.store.Family(t.Context(), "f"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("family: error %v, want ErrNotFound", err)
	}
	w.wantTake(t, c, sampleTime, store.ErrNotFound)
	if _, err := w.store.Session(t.Context(), s.Hash, sampleTime); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("session: error %v, want ErrNotFound", err)
	}
	w.wantRevoked(t, "jti", true)
}
