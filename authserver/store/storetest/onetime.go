package storetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

var oneTimeTests = []test{
	{"A16 pushed request is taken once, as it was put", pushedRoundTrip},
	{"pushed request expires", pushedExpires},
	{"A17 one of 64 takes the pushed request", a17Pushed},
	{"A16 A19 revoked tokens are remembered", revokedTokens},
}

func pushed(name string) store.PushedRequest {
	return store.PushedRequest{
		Hash: credential.Hash(name), ClientID: "shop.web", Parameters: "response_type=code&state=a%20b", Expires: sampleTime.Add(time.Minute),
	}
}

func (w *world) putPushed(t *testing.T, r store.PushedRequest) store.PushedRequest {
	t.Helper()
	if err := w.store.PutPushedRequest(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) wantPushed(t *testing.T, r store.PushedRequest, now time.Time, want error) {
	t.Helper()
	got, err := w.store.TakePushedRequest(t.Context(), r.Hash, now)
	if want != nil {
		if !errors.Is(err, want) {
			t.Errorf("took %+v, %v, want %v", got, err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "pushed request", r, got)
}

func pushedRoundTrip(t *testing.T, w *world) {
	a, b := w.putPushed(t, pushed("a")), w.putPushed(t, pushed("b"))
	w.wantPushed(t, pushed("unknown"), sampleTime, store.ErrNotFound)
	w.wantPushed(t, a, sampleTime, nil)
	w.wantPushed(t, a, sampleTime, store.ErrNotFound)
	w.wantPushed(t, b, sampleTime, nil)
	for _, text := range hostile {
		r := store.PushedRequest{Hash: text, ClientID: text, Parameters: text, Expires: sampleTime.Add(time.Minute)}
		w.wantPushed(t, w.putPushed(t, r), sampleTime, nil)
	}
}

func pushedExpires(t *testing.T, w *world) {
	r := w.putPushed(t, pushed("a"))
	w.wantPushed(t, r, r.Expires, store.ErrNotFound)
	w.wantPushed(t, r, r.Expires.Add(-time.Second), nil)
}

func a17Pushed(t *testing.T, w *world) {
	r := w.putPushed(t, pushed("a"))
	var won atomic.Int64
	raceOf(64, func(i int) {
		_, err := w.store.TakePushedRequest(t.Context(), r.Hash, sampleTime)
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrNotFound):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of 64 took it, want one", won.Load())
	}
}

func (w *world) revokeToken(t *testing.T, jti string, expires time.Time) {
	t.Helper()
	if err := w.store.RevokeToken(t.Context(), jti, expires); err != nil {
		t.Fatal(err)
	}
}

func (w *world) wantRevoked(t *testing.T, jti string, want bool) {
	t.Helper()
	if got, err := w.store.TokenRevoked(t.Context(), jti); err != nil || got != want {
		t.Errorf("token %q revoked %v, %v, want %v", jti, got, err, want)
	}
}

func revokedTokens(t *testing.T, w *world) {
	w.wantRevoked(t, "a", false)
	w.revokeToken(t, "a", sampleTime.Add(time.Hour))
	w.revokeToken(t, "a", sampleTime) // again, with another time: the later counts
	w.wantRevoked(t, "a", true)
	w.wantRevoked(t, "b", false)
	w.sweep(t, sampleTime.Add(time.Hour-time.Second), 0)
	w.wantRevoked(t, "a", true)
	for _, text := range hostile {
		w.wantRevoked(t, text, false)
		w.revokeToken(t, text, sampleTime.Add(time.Hour))
		w.wantRevoked(t, text, true)
	}
}
