package authserver_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
)

// begin gives the first refresh token of a family.
func (w *world) begin(t *testing.T, c authtest.Client) string {
	t.Helper()
	return w.MustExchange(t, c, w.Code(t, w.NewBrowser(t), c, "ada")).Member("refresh_token")
}

// renewed is the refresh token that another one gives.
func (w *world) renewed(t *testing.T, c authtest.Client, refresh string) string {
	t.Helper()
	a := w.Refresh(t, c, refresh)
	if a.Status != http.StatusOK {
		t.Fatalf("refresh: %d %s", a.Status, a.Body)
	}
	return a.Member("refresh_token")
}

func (w *world) retriesAudited() int { return strings.Count(w.Log.String(), `"event":"token.retried"`) }

// TestS5AStolenRefreshTokenDoesNotRideAlong: a thief who brings each token right after its
// owner got the next one.
func TestS5AStolenRefreshTokenDoesNotRideAlong(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		stolen := w.begin(t, w.public)
		for range 2 {
			w.Pass(t, 15*time.Minute)
			mine := w.renewed(t, w.public, stolen)
			w.Pass(t, 20*time.Second)
			if got := w.renewed(t, w.public, stolen); got != mine {
				t.Fatal("a retry gives another successor")
			}
			if got := w.renewed(t, w.public, stolen); got != mine { // of one generation it counts once
				t.Fatal("another retry gives another successor")
			}
			stolen = mine
		}
		w.Pass(t, 15*time.Minute)
		a := w.Refresh(t, w.public, stolen)
		if a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		refused(t, "the third generation in a row", w.Refresh(t, w.public, stolen), "invalid_grant")
		refused(t, "its owner's", w.Refresh(t, w.public, a.Member("refresh_token")), "invalid_grant")
		if !w.familyRevoked(t, a.Member("access_token")) {
			t.Error("the family lives")
		}
		if n := w.retriesAudited(); n != 4 {
			t.Errorf("%d retries in the audit log, want 4", n)
		}
		if log := w.Log.String(); !strings.Contains(log, `"event":"token.reused"`) || strings.Contains(log, stolen) {
			t.Error("the log does not tell of the end, or tells the token (F36)")
		}
		if m := w.Send(t, request(t, w.MetricsURL)).Body; !strings.Contains(m, "clientele_refresh_retries_total 4") {
			t.Error("the retries are not counted")
		}
	})
}

// TestS5LostAnswersNowAndThen end nothing: a phone on a train.
func TestS5LostAnswersNowAndThen(t *testing.T) {
	w := users(t, authtest.Config{})
	for rule, c := range map[string]authtest.Client{"public": w.public, "confidential": w.web} {
		refresh := w.begin(t, c)
		for i := range 9 {
			w.Pass(t, time.Minute)
			next := w.renewed(t, c, refresh)
			if i%3 != 0 {
				if got := w.renewed(t, c, refresh); got != next {
					t.Fatalf("%s: the retry gives another successor", rule)
				}
			}
			refresh = next
		}
	}
}

// TestB21ATokenBeforeTheLastOne within the window: a worker of an app has not heard yet of
// what the others got.
func TestB21ATokenBeforeTheLastOne(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		first := w.begin(t, w.web)
		second := w.renewed(t, w.web, first)
		w.ServerKeys = withNewerKey(w.ServerKeys, w.Clock.Now())
		w.Pass(t, 10*time.Second)
		third := w.renewed(t, w.web, second)
		w.Pass(t, 19*time.Second)
		fourth := w.renewed(t, w.web, third)
		for rule, refresh := range map[string]string{"the first": first, "the second": second, "the third": third} {
			if got := w.renewed(t, w.web, refresh); got != fourth {
				t.Errorf("%s does not give the newest", rule)
			}
		}
		if n := w.retriesAudited(); n != 3 {
			t.Errorf("%d retries in the audit log, want 3", n)
		}
		w.Pass(t, time.Second) // half a minute after the first was used
		if got := w.renewed(t, w.web, second); got != fourth {
			t.Error("the second has its own window")
		}
		refused(t, "the first, after its window", w.Refresh(t, w.web, first), "invalid_grant")
		refused(t, "the newest then", w.Refresh(t, w.web, fourth), "invalid_grant")

		t.Run("of a public client it is reuse", func(t *testing.T) {
			first := w.begin(t, w.public)
			second := w.renewed(t, w.public, first)
			third := w.renewed(t, w.public, second)
			refused(t, "reuse", w.Refresh(t, w.public, first), "invalid_grant")
			refused(t, "the newest then", w.Refresh(t, w.public, third), "invalid_grant")
		})
	})
}

// TestB30ManyWorkersOfAConfidentialClient refresh at every request, each with the token
// that it knows of.
func TestB30ManyWorkersOfAConfidentialClient(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		first := w.begin(t, w.web)
		var mu sync.Mutex
		latest := first
		parallel(8, func(i int) {
			known := first
			for range 25 {
				a := w.Refresh(t, w.web, known)
				if a.Status != http.StatusOK {
					t.Errorf("worker %d: %d %s", i, a.Status, a.Body)
					return
				}
				known = a.Member("refresh_token")
			}
			mu.Lock()
			defer mu.Unlock()
			latest = known
		})
		// A worker that slept all the time.
		latest = w.renewed(t, w.web, first)
		w.Pass(t, 31*time.Second)
		if got := w.renewed(t, w.web, latest); got == latest {
			t.Error("it does not rotate any more")
		}
		refused(t, "the first, after its window", w.Refresh(t, w.web, first), "invalid_grant")
	})
}

// TestB30ManyRotationsWithinTheWindow: the record stays small, and nobody loses anything.
func TestB30ManyRotationsWithinTheWindow(t *testing.T) {
	w := users(t, authtest.Config{})
	first := w.begin(t, w.web)
	newest := first
	for range 100 {
		newest = w.renewed(t, w.web, newest)
	}
	a := w.Refresh(t, w.web, first)
	if a.Member("refresh_token") != newest {
		t.Errorf("the first does not give the newest: %d %s", a.Status, a.Body)
	}
	record, err := w.family(t, a.Member("access_token")).Encode()
	if err != nil || len(record) > 4<<10 {
		t.Errorf("the family's record has %d bytes, %v", len(record), err)
	}
	w.Pass(t, time.Minute)
	if next := w.renewed(t, w.web, newest); next == newest {
		t.Error("it does not rotate any more")
	}
}
