package sealed_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/sealed"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
)

var now = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// world is a store, and this server's keys: the first version alone, and with a second.
type world struct {
	store      store.Store
	older, all credential.ServerKeys
}

func newWorld(t *testing.T) world {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: sqlitetest.Dir(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	first, err := credential.NewServerKeys(now)
	if err != nil {
		t.Fatal(err)
	}
	other, err := credential.NewServerKeys(now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Bind(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	second := other.Keys[0]
	second.Version = 2
	all := first
	all.Keys = append(all.Keys[:1:1], second)
	return world{s, first, all}
}

func (w world) with(k credential.ServerKeys) *sealed.Flows {
	return sealed.New(w.store, func() credential.ServerKeys { return k }, slog.New(slog.DiscardHandler))
}

var (
	grant   = store.Grant{ClientID: "app", Subject: "user:ada", SessionID: "s", Access: []store.Access{{Resource: "https://api", Scopes: []string{"read"}}}}
	code    = store.Code{Hash: "hash", Grant: grant, FamilyID: "f", Expires: now.Add(time.Minute)}
	family  = store.Family{ID: "f", Grant: grant, Generation: 1, Current: "v1:x", Created: now, Expires: now.Add(time.Hour), IdleExpires: now.Add(time.Hour)}
	session = store.Session{ID: "s", Hash: "cookie", Subject: "user:ada", AuthTime: now, Created: now, Seen: now, Expires: now.Add(time.Hour)}
	consent = store.Consent{Subject: "user:ada", ClientID: "app", Resource: "https://api", Place: "https://app.example", Promise: "promise", Scopes: []string{"read", "write"}, Granted: now}
)

func (w world) fill(t *testing.T, f *sealed.Flows) {
	t.Helper()
	ctx := t.Context()
	if err := errors.Join(f.PutCode(ctx, code), f.PutFamily(ctx, family), f.PutSession(ctx, session), f.AddConsent(ctx, consent, time.Time{})); err != nil {
		t.Fatal(err)
	}
}

// read is a way to read what people did, which finds so many.
type read struct {
	name string
	do   func() (int, error)
}

func reads(t *testing.T, f *sealed.Flows) []read {
	ctx := t.Context()
	one := func(err error) (int, error) { return 1, err }
	return []read{
		{"Code", func() (int, error) { _, err := f.Code(ctx, code.Hash, now); return one(err) }},
		{"Family", func() (int, error) { _, err := f.Family(ctx, family.ID); return one(err) }},
		{"FamiliesOf", func() (int, error) { all, err := f.FamiliesOf(ctx, "user:ada", now); return len(all), err }},
		{"Session", func() (int, error) { _, err := f.Session(ctx, session.Hash, now); return one(err) }},
		{"SessionsOf", func() (int, error) { all, err := f.SessionsOf(ctx, "user:ada", now); return len(all), err }},
		{"Consent", func() (int, error) {
			c, err := f.Consent(ctx, consent.Key(time.Time{}))
			return len(c.Scopes) / 2, err
		}},
		{"ConsentsOf", func() (int, error) { all, err := f.ConsentsOf(ctx, "user:ada"); return len(all), err }},
		{"TakeCode", func() (int, error) { _, err := f.TakeCode(ctx, code.Hash, now); return one(err) }},
		{"taken again", func() (int, error) { _, err := f.TakeCode(ctx, code.Hash, now); return one(err) }},
	}
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	w := newWorld(t)
	w.fill(t, w.with(w.older))
	for _, r := range reads(t, w.with(w.all)) { // also once there is a newer key
		if n, err := r.do(); n != 1 || (err != nil && !errors.Is(err, store.ErrUsed)) {
			t.Errorf("%s: %d, %v", r.name, n, err)
		}
	}
}

// TestANewerKeyIsAnOutage: another replica wrote it; nobody is to throw anything away.
func TestANewerKeyIsAnOutage(t *testing.T) {
	for _, known := range []int{0, 1} {
		w := newWorld(t)
		w.fill(t, w.with(w.all))
		keys := w.all
		keys.Keys = keys.Keys[:known]
		for _, r := range reads(t, w.with(keys)) {
			if n, err := r.do(); err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUsed) {
				t.Errorf("%s with %d keys: %d, %v, want an outage", r.name, known, n, err)
			}
		}
	}
}

// TestForgedRowsAreNotThere: each row gets another's content, or another's place.
func TestForgedRowsAreNotThere(t *testing.T) {
	for name, forge := range map[string]func(w world, f *sealed.Flows) error{
		"a code under another hash": func(w world, f *sealed.Flows) error {
			c, err := f.Code(t.Context(), code.Hash, now)
			c.Hash = "mine"
			return errors.Join(err, w.store.PutCode(t.Context(), c), absent(f.Code(t.Context(), "mine", now)))
		},
		"a family of another generation": func(w world, f *sealed.Flows) error {
			next, err := f.Family(t.Context(), family.ID)
			next.Generation = 5
			return errors.Join(err, w.store.AdvanceFamily(t.Context(), 1, next), absent(f.Family(t.Context(), family.ID)))
		},
		"a session under another cookie": func(w world, f *sealed.Flows) error {
			s, err := f.Session(t.Context(), session.Hash, now)
			s.ID, s.Hash = "mine", "my cookie"
			return errors.Join(err, w.store.PutSession(t.Context(), s), absent(f.Session(t.Context(), "my cookie", now)))
		},
		"a consent to another client": func(w world, f *sealed.Flows) error {
			c, err := f.Consent(t.Context(), consent.Key(time.Time{}))
			c.ClientID = "mine"
			return errors.Join(err, w.store.AddConsent(t.Context(), c, time.Time{}), absent(f.Consent(t.Context(), c.Key(time.Time{}))))
		},
		"a consent brought forward to the client's next incarnation": func(w world, f *sealed.Flows) error {
			since := now.Add(time.Hour)
			c, err := f.Consent(t.Context(), consent.Key(time.Time{}))
			c.Granted = since
			return errors.Join(err, w.store.AddConsent(t.Context(), c, since), absent(f.Consent(t.Context(), c.Key(since))))
		},
		"S1 a consent at another place": func(w world, f *sealed.Flows) error {
			c, err := f.Consent(t.Context(), consent.Key(time.Time{}))
			c.Place = "https://evil.example"
			return errors.Join(err, w.store.AddConsent(t.Context(), c, time.Time{}), absent(f.Consent(t.Context(), c.Key(time.Time{}))))
		},
		"S9 a consent under another promise": func(w world, f *sealed.Flows) error {
			c, err := f.Consent(t.Context(), consent.Key(time.Time{}))
			c.Promise = "another"
			return errors.Join(err, w.store.AddConsent(t.Context(), c, time.Time{}), absent(f.Consent(t.Context(), c.Key(time.Time{}))))
		},
		"a record of another kind": func(w world, f *sealed.Flows) error {
			s, err := f.Session(t.Context(), session.Hash, now)
			planted := code
			planted.Hash, planted.MAC = "mine", s.MAC
			return errors.Join(err, w.store.PutCode(t.Context(), planted), absent(f.Code(t.Context(), "mine", now)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f := w.with(w.older)
			w.fill(t, f)
			if err := forge(w, f); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOneScopeOfAConsentIsForged: the others count.
func TestOneScopeOfAConsentIsForged(t *testing.T) {
	w := newWorld(t)
	f := w.with(w.older)
	w.fill(t, f)
	planted := consent
	planted.Scopes, planted.MACs = []string{"admin"}, []string{"v1:" + strings.Repeat("A", 43)}
	if err := w.store.AddConsent(t.Context(), planted, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if c, err := f.Consent(t.Context(), consent.Key(time.Time{})); err != nil || strings.Join(c.Scopes, " ") != "read write" {
		t.Errorf("%v, %v", c.Scopes, err)
	}
}

// TestWhatIsAllowedAlreadyIsNotWrittenAgain, with whatever time; a scope that is new is.
func TestWhatIsAllowedAlreadyIsNotWrittenAgain(t *testing.T) {
	w := newWorld(t)
	f := w.with(w.older)
	w.fill(t, f)
	before := w.store.Writes()
	again := consent
	again.Granted = now.Add(time.Hour)
	if err := f.AddConsent(t.Context(), again, time.Time{}); err != nil || w.store.Writes() != before {
		t.Errorf("%d writes, %v", w.store.Writes()-before, err)
	}
	again.Scopes = []string{"admin", "read"}
	if err := f.AddConsent(t.Context(), again, time.Time{}); err != nil {
		t.Fatal(err)
	}
	got, err := f.Consent(t.Context(), consent.Key(time.Time{}))
	if err != nil || strings.Join(got.Scopes, " ") != "admin read write" || !got.Times[0].Equal(again.Granted) || !got.Times[1].Equal(now) {
		t.Errorf("%+v, %v", got, err)
	}
}

// absent wants store.ErrNotFound.
func absent[T any](got T, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return errors.Join(errors.New("it is believed"), err)
}
