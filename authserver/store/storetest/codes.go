package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

var codeTests = []test{
	{"code is taken as it was put", codeRoundTrip},
	{"code expires", codeExpires},
	{"A3 a code taken again says so, and comes along", a3CodeTwice},
	{"A3 A17 one of 64 takes the code", a3CodeRace},
	{"A3 no family begins from a code that was taken twice", a3CodeTwiceBeforeFamily},
	{"A3 a code taken twice while its family is put", a3CodeTwiceWhilePut},
	{"A19 a pending code is revoked with the families", a19PendingCode},
	{"A16 SQL in every field of a code", a16Codes},
}

func grant(subject, clientID string) store.Grant {
	return store.Grant{
		ClientID: clientID, Subject: subject, SessionID: "session-" + subject,
		Source: store.Source{Name: "corp", Issuer: "https://idp.example", ClientID: "us", Stamp: "stamp"},
		Access: []store.Access{
			{Resource: "https://api.example.com", Scopes: []string{"orders.read", "orders.write"}},
			{Resource: "https://billing.example.com", Scopes: []string{"invoices.read"}},
		},
		Roles: []string{"buyer"}, Tenant: "acme", AuthTime: sampleTime.Unix(), Nonce: "nonce",
	}
}

// code of a family, valid for a minute from sampleTime.
func code(family string) store.Code {
	return store.Code{
		Hash: credential.Hash("code of " + family), Grant: grant("user/1", "shop.web"), RedirectURI: "https://shop.example.com/back",
		Challenge: "challenge", FamilyID: family, Expires: sampleTime.Add(time.Minute),
	}
}

func (w *world) putCode(t *testing.T, c store.Code) store.Code {
	t.Helper()
	if err := w.store.PutCode(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantTake takes a code and expects an error, or none, and the code with either.
func (w *world) wantTake(t *testing.T, c store.Code, now time.Time, want error) {
	t.Helper()
	got, err := w.store.TakeCode(t.Context(), c.Hash, now)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("take: error %v, want %v", err, want)
	}
	if errors.Is(want, store.ErrNotFound) {
		c = store.Code{}
	}
	wantDiff(t, "code", c, got)
}

// wantCode reads a code without taking it.
func (w *world) wantCode(t *testing.T, c store.Code, now time.Time, want error) {
	t.Helper()
	got, err := w.store.Code(t.Context(), c.Hash, now)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("read: error %v, want %v", err, want)
	}
	if want == nil {
		wantDiff(t, "code", c, got)
	}
}

func codeRoundTrip(t *testing.T, w *world) {
	revision, c := w.revision(t), w.putCode(t, code("f"))
	if err := w.store.PutCode(t.Context(), c); err == nil {
		t.Error("the same hash was put twice")
	}
	w.wantTake(t, code("unknown"), sampleTime, store.ErrNotFound)
	w.wantCode(t, c, c.Expires.Add(-time.Second), nil)
	w.wantCode(t, c, c.Expires, store.ErrNotFound)
	w.wantTake(t, c, sampleTime, nil)
	w.wantCode(t, c, sampleTime, store.ErrNotFound)
	if after := w.revision(t); after != revision {
		t.Errorf("a code moved the revision from %d to %d: registrars would read it all again", revision, after)
	}
	bare := store.Code{Hash: "bare", FamilyID: "g", Expires: sampleTime.Add(time.Minute)}
	w.wantTake(t, w.putCode(t, bare), sampleTime, nil)
}

func codeExpires(t *testing.T, w *world) {
	c := w.putCode(t, code("f"))
	w.wantTake(t, c, c.Expires, store.ErrNotFound)
	w.wantTake(t, c, c.Expires.Add(time.Hour), store.ErrNotFound)
	w.wantTake(t, c, c.Expires.Add(-time.Second), nil)
}

func a3CodeTwice(t *testing.T, w *world) {
	c := w.putCode(t, code("f"))
	w.wantTake(t, c, sampleTime, nil)
	w.wantTake(t, c, sampleTime.Add(time.Second), store.ErrUsed)
	w.wantTake(t, c, sampleTime.Add(time.Hour), store.ErrUsed) // long after it expired
}

func a3CodeRace(t *testing.T, w *world) {
	c := w.putCode(t, code("f"))
	var won, used atomic.Int64
	raceOf(64, func(i int) {
		got, err := w.store.TakeCode(t.Context(), c.Hash, sampleTime)
		switch {
		case err == nil:
			won.Add(1)
		case errors.Is(err, store.ErrUsed) && got.FamilyID == c.FamilyID:
			used.Add(1)
		default:
			t.Errorf("racer %d: %+v, %v", i, got, err)
		}
	})
	if won.Load() != 1 || used.Load() != 63 {
		t.Errorf("%d took the code and %d were told that it is used, want 1 and 63", won.Load(), used.Load())
	}
}

func a3CodeTwiceBeforeFamily(t *testing.T, w *world) {
	c := w.putCode(t, code("f"))
	w.wantTake(t, c, sampleTime, nil)
	w.wantTake(t, c, sampleTime, store.ErrUsed)
	if err := w.store.PutFamily(t.Context(), family("f")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	// Of another code it does.
	w.wantTake(t, w.putCode(t, code("g")), sampleTime, nil)
	w.putFamily(t, family("g"))
}

// a3CodeTwiceWhilePut: whoever is first, the family is refused or revoked.
func a3CodeTwiceWhilePut(t *testing.T, w *world) {
	for i := range 12 {
		id := fmt.Sprintf("f-%d", i)
		c := w.putCode(t, code(id))
		w.wantTake(t, c, sampleTime, nil)
		var putErr error
		raceOf(2, func(i int) {
			if i == 0 {
				putErr = w.store.PutFamily(t.Context(), family(id))
				return
			}
			if _, err := w.store.TakeCode(t.Context(), c.Hash, sampleTime); !errors.Is(err, store.ErrUsed) {
				t.Errorf("taken again: %v", err)
			}
			w.revoke(t, store.FamilyFilter{ID: id})
		})
		f, err := w.store.Family(t.Context(), id)
		switch {
		case errors.Is(putErr, store.ErrConflict):
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("refused, and there: %+v, %v", f, err)
			}
		case putErr != nil || err != nil || f.Revoked.IsZero():
			t.Errorf("put with %v, read with %v, revoked %v: a code that was used twice has a living family", putErr, err, f.Revoked)
		}
	}
}

func a19PendingCode(t *testing.T, w *world) {
	unused, taken := w.putCode(t, code("unused")), w.putCode(t, code("taken"))
	other := code("other")
	other.Grant.Subject = "user/2"
	w.putCode(t, other)
	w.wantTake(t, taken, sampleTime, nil)
	if n := w.revoke(t, store.FamilyFilter{Subject: "user/1", ClientID: "shop.web"}); n != 0 {
		t.Errorf("%d families revoked, want none: there are none", n)
	}
	w.wantTake(t, unused, sampleTime, store.ErrUsed)
	if err := w.store.PutFamily(t.Context(), family("taken")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	w.wantTake(t, other, sampleTime, nil)
}

func a16Codes(t *testing.T, w *world) {
	for _, text := range hostile {
		c := store.Code{
			Hash: "hash" + text, RedirectURI: text, Challenge: text, FamilyID: "family" + text, Expires: sampleTime.Add(time.Minute),
			Grant: store.Grant{ClientID: text, Subject: text, Source: store.Source{Name: text, Issuer: text, ClientID: text, Stamp: text}, SessionID: text, Access: []store.Access{{Resource: text, Scopes: []string{text}}}, Roles: []string{text}, Tenant: text, Nonce: text},
		}
		w.putCode(t, c)
		w.wantTake(t, c, sampleTime, nil)
		f := family("family" + text)
		f.Grant, f.Current = c.Grant, text
		w.putFamily(t, f)
		w.wantFamily(t, f)
		if n := w.revoke(t, store.FamilyFilter{ID: f.ID, Subject: text, ClientID: text}); n != 1 {
			t.Errorf("%q: %d families revoked, want 1", text, n)
		}
	}
}
