package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

var sessionTests = []test{
	{"session is found by its cookie as it was put", sessionRoundTrip},
	{"session expires", sessionExpires},
	{"session is touched, never backwards", sessionTouched},
	{"A19 a session ended is gone; a stranger cannot end it", sessionEnds},
	{"a person's sessions", sessionsOf},
	{"people of a user name", peopleNamed},
	{"A16 SQL in every field of a session", a16Sessions},
}

func session(id, subject string) store.Session {
	return store.Session{
		ID: id, Hash: credential.Hash("cookie of " + id), Subject: subject, Source: store.Source{Name: "corp", Issuer: "https://idp.example", ClientID: "us", Stamp: "stamp"},
		Username: "jo", Name: "Jo \U0001F511", Email: "jo@example.com", EmailVerified: true,
		Roles: []string{"buyer"}, Groups: []string{"staff"}, Tenant: "acme", UserAgent: "Browser/1.0", Address: "192.0.2.1",
		AuthTime: sampleTime, Created: sampleTime.Add(time.Second), Seen: sampleTime.Add(time.Minute), Expires: sampleTime.Add(8 * time.Hour),
	}
}

func (w *world) putSession(t *testing.T, s store.Session) store.Session {
	t.Helper()
	if err := w.store.PutSession(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) wantSession(t *testing.T, want store.Session, now time.Time) {
	t.Helper()
	got, err := w.store.Session(t.Context(), want.Hash, now)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "session", want, got)
}

func (w *world) wantNoSession(t *testing.T, hash string, now time.Time) {
	t.Helper()
	if got, err := w.store.Session(t.Context(), hash, now); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("found %+v, %v, want ErrNotFound", got, err)
	}
}

func sessionRoundTrip(t *testing.T, w *world) {
	revision, s := w.revision(t), w.putSession(t, session("s", "user/1"))
	w.wantSession(t, s, sampleTime)
	w.wantNoSession(t, credential.Hash("another cookie"), sampleTime)
	w.wantNoSession(t, s.ID, sampleTime) // its id opens nothing
	taken := session("other", "user/2")
	taken.Hash = s.Hash
	if err := w.store.PutSession(t.Context(), taken); err == nil {
		t.Error("two sessions have one cookie")
	}
	if after := w.revision(t); after != revision {
		t.Errorf("a session moved the revision from %d to %d", revision, after)
	}
}

func sessionExpires(t *testing.T, w *world) {
	s := w.putSession(t, session("s", "user/1"))
	w.wantSession(t, s, s.Expires.Add(-time.Second))
	w.wantNoSession(t, s.Hash, s.Expires)
}

func sessionTouched(t *testing.T, w *world) {
	s := w.putSession(t, session("s", "user/1"))
	later := s.Seen.Add(time.Hour)
	for _, seen := range []time.Time{later, s.Seen, later} {
		if err := w.store.TouchSession(t.Context(), "s", seen); err != nil {
			t.Fatal(err)
		}
	}
	s.Seen = later
	w.wantSession(t, s, sampleTime)
	if err := w.store.TouchSession(t.Context(), "unknown", later); err != nil {
		t.Errorf("an unknown session: %v", err)
	}
}

func sessionEnds(t *testing.T, w *world) {
	s := w.putSession(t, session("s", "user/1"))
	other := w.putSession(t, session("other", "user/1"))
	if err := w.store.EndSession(t.Context(), "user/2", "s"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a stranger: error %v, want ErrNotFound", err)
	}
	w.wantSession(t, s, sampleTime)
	if err := w.store.EndSession(t.Context(), "user/1", "s"); err != nil {
		t.Fatal(err)
	}
	w.wantNoSession(t, s.Hash, sampleTime)
	w.wantSession(t, other, sampleTime)
	if err := w.store.EndSession(t.Context(), "user/1", "s"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("ended again: error %v, want ErrNotFound", err)
	}
	// What comes too late does not bring it back.
	if err := w.store.TouchSession(t.Context(), "s", sampleTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.wantNoSession(t, s.Hash, sampleTime)
}

func sessionsOf(t *testing.T, w *world) {
	a, b := w.putSession(t, session("a", "user/1")), session("b", "user/1")
	b.Expires = sampleTime.Add(time.Hour)
	w.putSession(t, b)
	w.putSession(t, session("c", "user/2"))
	for _, test := range []struct {
		now  time.Time
		want []store.Session
	}{
		{sampleTime, []store.Session{a, b}},
		{b.Expires, []store.Session{a}},
		{a.Expires, nil},
	} {
		got, err := w.store.SessionsOf(t.Context(), "user/1", test.now)
		if err != nil {
			t.Fatal(err)
		}
		wantDiff(t, "at "+test.now.String(), test.want, got)
	}
}

func peopleNamed(t *testing.T, w *world) {
	for subject, username := range map[string]string{
		"user/1": "jo", "user/2": "JO", "user/3": "jon", "user/4": "j_", "user/5": `j"o%\`, "user/6": "Ärger <jo>", "user/7": "",
		"user/9": "Grace Hopper", "user/A": "grace@example.com",
	} {
		s := session(subject, subject)
		s.Username, s.Name = username, `","username":"jo","`
		w.putSession(t, s)
	}
	w.putSession(t, session("another", "user/1"))
	gone := session("gone", "user/8")
	gone.Expires = sampleTime
	w.putSession(t, gone)
	for username, want := range map[string]string{
		"jo": "user/1 user/2", "Jo": "user/1 user/2", "j_": "user/4", "j%": "", "_o": "", `j"o%\`: "user/5", "nobody": "",
		"ÄRGER <jo>": "user/6", "ärger <JO>": "user/6", "grace hopper": "user/9", "Grace": "", "Grace@Example.com": "user/A",
	} {
		w.wantNamed(t, username, 10, want)
	}
	w.wantNamed(t, "jo", 1, "user/1")
	for _, username := range hostile {
		w.wantNamed(t, username, 10, "")
	}
}

func (w *world) wantNamed(t *testing.T, username string, most int, want string) {
	t.Helper()
	got, err := w.store.PeopleNamed(t.Context(), username, sampleTime, most)
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("%q, at most %d: %v, %v, want %q", username, most, got, err, want)
	}
}

func a16Sessions(t *testing.T, w *world) {
	// A header is bytes: what is no UTF-8, or has a NUL, must not break a sign-in.
	for _, text := range append([]string{"a\x00b", "\xff\xfe"}, hostile...) {
		s := session("id-"+credential.Hash(text), "user/1")
		s.UserAgent = text
		w.putSession(t, s)
		if _, err := w.store.Session(t.Context(), s.Hash, sampleTime); err != nil {
			t.Errorf("user agent %q: %v", text, err)
		}
	}
	for _, text := range hostile {
		s := store.Session{
			ID: "id" + text, Hash: "hash" + text, Subject: "subject" + text, Source: store.Source{Name: text, Issuer: text, ClientID: text, Stamp: text}, Username: text, Name: text, Email: text,
			Roles: []string{text}, Groups: []string{text}, Tenant: text, UserAgent: text, Address: text, Expires: sampleTime.Add(time.Hour),
		}
		w.putSession(t, s)
		w.wantSession(t, s, sampleTime)
		if err := w.store.EndSession(t.Context(), s.Subject, s.ID); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
