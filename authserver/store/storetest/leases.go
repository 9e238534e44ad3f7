package storetest

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

func replica(id string, expires time.Time) oauth.Replica {
	return oauth.Replica{ID: id, KeySetRevision: "rev-" + id, ServingSince: sampleTime.Unix(), LeaseExpires: expires.Unix()}
}

func (w *world) renew(t *testing.T, r oauth.Replica) {
	t.Helper()
	if err := w.store.RenewLease(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (w *world) wantReplicas(t *testing.T, now time.Time, want ...oauth.Replica) {
	t.Helper()
	got, err := w.store.Replicas(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "replicas", want, got)
}

func leases(t *testing.T, w *world) {
	now := sampleTime
	a, b := replica("a", now.Add(10*time.Second)), replica("b", now.Add(20*time.Second))
	w.wantReplicas(t, now)
	w.renew(t, b)
	w.renew(t, a)
	w.wantReplicas(t, now, a, b)
	w.wantReplicas(t, now.Add(10*time.Second), b) // ends at its second
	a.KeySetRevision, a.LeaseExpires, a.Version, a.Protocol = "later", now.Add(30*time.Second).Unix(), "v1.2.3", 2
	w.renew(t, a)
	w.wantReplicas(t, now.Add(20*time.Second), a)
	if err := w.store.DropLease(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := w.store.DropLease(t.Context(), "a"); err != nil {
		t.Errorf("dropping what is gone: %v", err)
	}
	w.wantReplicas(t, now, b)
}

// leasesAreQuiet: registrars that wait for changes are not woken by heartbeats.
func leasesAreQuiet(t *testing.T, w *world) {
	before := w.revision(t)
	w.renew(t, replica("a", sampleTime))
	if err := w.store.DropLease(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if after := w.revision(t); after != before {
		t.Errorf("revision went from %d to %d", before, after)
	}
}

func writesCounted(t *testing.T, w *world) {
	before := w.store.Writes()
	w.put(t, client("a", owner("a")))
	w.putPolicy(t, samplePolicy("p"))
	if err := w.store.RevokeToken(t.Context(), "jti", sampleTime); err != nil {
		t.Fatal(err)
	}
	w.revision(t)
	if n := w.store.Writes() - before; n != 3 {
		t.Errorf("%d writes counted, want 3", n)
	}
}

func a16Leases(t *testing.T, w *world) {
	expires := sampleTime.Add(time.Minute)
	for _, text := range hostile {
		r := replica(text, expires)
		r.KeySetRevision, r.Version = text, text
		w.renew(t, r)
		w.wantReplicas(t, sampleTime, r)
		if err := w.store.DropLease(t.Context(), text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		w.wantReplicas(t, sampleTime)
	}
	for _, text := range hostile {
		w.bind(t, text)
		id := w.id
		if wiped := w.bind(t, text); wiped || w.id != id {
			t.Errorf("%q: bound again, the store was %q and is %q", text, id, w.id)
		}
	}
}
