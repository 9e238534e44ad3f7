package storetest

import (
	"errors"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

var sweepTests = []test{
	{"sweep removes what is past, each at its time", sweepTimes},
	{"A19 sweep removes consents and withdrawals of clients that are not there", a19SweepConsents},
	{"sweep is bounded, and idle when there is nothing", sweepBounded},
}

func (w *world) sweep(t *testing.T, now time.Time, want int) {
	t.Helper()
	if n, err := w.store.Sweep(t.Context(), now); err != nil || n != want {
		t.Errorf("swept %d, %v, want %d", n, err, want)
	}
}

func sweepTimes(t *testing.T, w *world) {
	const day = 24 * time.Hour
	at := func(d time.Duration) time.Time { return sampleTime.Add(d) }
	w.putCode(t, code("unused")) // expires after a minute
	used := w.putCode(t, code("used"))
	w.wantTake(t, used, sampleTime, nil)
	w.putFamily(t, family("unused family")) // after a day
	w.putFamily(t, family("revoked family"))
	w.revoke(t, store.FamilyFilter{ID: "revoked family"})
	w.putSession(t, session("s", "user/1")) // after 8 hours
	w.put(t, client("shop.web", owner("web")))
	w.consent(t, consent("a"))
	w.count(t, "key", sampleTime) // after 5 minutes
	w.putPushed(t, pushed("p"))   // after a minute
	w.revokeToken(t, "jti", at(time.Hour))
	for _, step := range []struct {
		name string
		at   time.Duration
		want int
	}{
		{"nothing yet", 0, 0},
		{"nor a second before", time.Minute - time.Second, 0},
		{"code and pushed request", time.Minute, 2},
		{"attempts", 5 * time.Minute, 1},
		{"token", time.Hour, 1},
		{"session", 8 * time.Hour, 1},
		{"nothing within the day", day - time.Second, 0},
		{"the used code and the revoked family", day, 2},
		{"the family that ended a day before", 2 * day, 1},
		{"never a consent of a client that is there", 10000 * day, 0},
	} {
		if step.at == day-time.Second {
			w.wantTake(t, used, at(step.at), store.ErrUsed) // still recognised
		}
		if n, err := w.store.Sweep(t.Context(), at(step.at)); err != nil || n != step.want {
			t.Errorf("%s: swept %d, %v, want %d", step.name, n, err, step.want)
		}
	}
	w.wantTake(t, used, at(2*day), store.ErrNotFound)
	if _, err := w.store.Family(t.Context(), "revoked family"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	w.wantConsent(t, consent("a"))
}

func sweepBounded(t *testing.T, w *world) {
	w.sql(t, `INSERT INTO revoked_tokens (jti, expires) WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1500)
		SELECT 'x' || n, 1 FROM up`)
	w.sql(t, `INSERT INTO pushed_requests (hash, client_id, parameters, expires) WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 900)
		SELECT 'x' || n, '', '', 1 FROM up`)
	w.revokeToken(t, "living", sampleTime.Add(time.Hour))
	for _, want := range []int{1000, 1000, 400, 0} {
		w.sweep(t, sampleTime, want)
	}
	before := w.store.Writes()
	w.sweep(t, sampleTime, 0)
	if n := w.store.Writes() - before; n != 0 {
		t.Errorf("an idle sweep made %d writes", n)
	}
	w.wantRevoked(t, "living", true)
}
