package storetest

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

var signingTests = []test{
	{"what was written is read, also when there is a newer key", signedRead},
	{"F10 a forged row is not believed", f10Forged},
	{"F10 a forged row is left out of lists", f10ForgedInLists},
	{"F10 a forged consent is written anew", f10ForgedConsent},
	{"a row under a newer key is an outage", signedAhead},
	{"without keys nothing is written", signedWithoutKeys},
}

// keys are the server keys of all tests of a process: replicas have the same.
var keys = func() credential.ServerKeys {
	k, err := credential.NewServerKeys(sampleTime)
	if err != nil {
		panic(err) // a mistake in this file
	}
	return k
}()

// Sign a store with the keys that all tests of a process share.
func Sign[S store.Signing](s S) S {
	s.SignWith(func() store.Signer { return keys }, slog.New(slog.DiscardHandler))
	return s
}

// newer are the keys with another version.
func newer(t *testing.T) credential.ServerKeys {
	t.Helper()
	other, err := credential.NewServerKeys(sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	second := other.Keys[0]
	second.Version = 2
	all := keys
	all.Keys = append(all.Keys[:1:1], second)
	return all
}

// signWith keys, and return the log.
func (w *world) signWith(k store.Signer) *strings.Builder {
	log := &strings.Builder{}
	w.store.SignWith(func() store.Signer { return k }, slog.New(slog.NewTextHandler(log, nil)))
	return log
}

// fill the store with one row of each kind.
func (w *world) fill(t *testing.T) {
	t.Helper()
	w.put(t, client("a", owner("a")))
	w.putPolicy(t, samplePolicy("p"))
	w.putCode(t, code("f"))
	w.putFamily(t, family("f"))
	w.putSession(t, session("s", "user/1"))
	w.consent(t, consent("a", "b"))
}

// read is a way to read a row of fill.
type read struct {
	name string
	do   func() error
}

// reads of all kinds. The code comes last: it is taken.
func (w *world) reads(t *testing.T) []read {
	ctx, s, c := t.Context(), w.store, consent()
	some := func(n int, err error) error {
		if err == nil && n == 0 {
			err = store.ErrNotFound
		}
		return err
	}
	return []read{
		{"Client", func() error { _, err := s.Client(ctx, "a"); return err }},
		{"Changes", func() error {
			ch, err := s.Changes(ctx, w.id, 0)
			if err == nil && (ch.Clients[0].Tampered || ch.Policies[0].Tampered) {
				err = store.ErrNotFound
			}
			return err
		}},
		{"ChangeClient", func() error {
			_, err := s.ChangeClient(ctx, owner("a"), "a", func(e store.ExistingClients) (store.ClientChange, error) {
				if e.ByID.Tampered || e.ByOwner.Tampered {
					return store.ClientChange{}, store.ErrNotFound
				}
				return store.ClientChange{}, nil
			})
			return err
		}},
		{"ChangePolicy", func() error {
			_, err := s.ChangePolicy(ctx, "p", func(p *store.Policy) (store.PolicyChange, error) {
				if p.Tampered {
					return store.PolicyChange{}, store.ErrNotFound
				}
				return store.PolicyChange{}, nil
			})
			return err
		}},
		{"Family", func() error { _, err := s.Family(ctx, "f"); return err }},
		{"FamiliesOf", func() error { all, err := s.FamiliesOf(ctx, "user/1", sampleTime); return some(len(all), err) }},
		{"Session", func() error { _, err := s.Session(ctx, session("s", "").Hash, sampleTime); return err }},
		{"SessionsOf", func() error { all, err := s.SessionsOf(ctx, "user/1", sampleTime); return some(len(all), err) }},
		{"Consent", func() error {
			_, err := s.Consent(ctx, c.Key(time.Time{}))
			return err
		}},
		{"ConsentsOf", func() error { all, err := s.ConsentsOf(ctx, c.Subject); return some(len(all), err) }},
		{"Code", func() error { _, err := s.Code(ctx, code("f").Hash, sampleTime); return err }},
		{"TakeCode", func() error { _, err := s.TakeCode(ctx, code("f").Hash, sampleTime); return err }},
	}
}

func signedRead(t *testing.T, w *world) {
	w.fill(t)
	w.signWith(newer(t))
	for _, r := range w.reads(t) {
		if err := r.do(); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	if c, err := w.store.TakeCode(t.Context(), code("f").Hash, sampleTime); !errors.Is(err, store.ErrUsed) || c.FamilyID != "f" {
		t.Errorf("taken again: %+v, %v", c, err)
	}
}

// signedAhead: another replica had the newer key first. A refusal for good would make
// clients discard their tokens.
func signedAhead(t *testing.T, w *world) {
	all := newer(t)
	w.signWith(all)
	w.fill(t)
	for _, known := range []int{0, 1} {
		some := all
		some.Keys = all.Keys[:known]
		log := w.signWith(some)
		w.sql(t, `UPDATE codes SET used = 0`) // TakeCode takes also what cannot be verified yet
		for _, r := range w.reads(t) {
			if err := r.do(); err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUsed) {
				t.Errorf("%s with %d keys: %v, want an outage", r.name, known, err)
			}
		}
		if log.Len() > 0 {
			t.Errorf("logged: %s", log)
		}
	}
}

func signedWithoutKeys(t *testing.T, w *world) {
	for name, none := range map[string]store.Signer{"none": nil, "empty": credential.ServerKeys{}} {
		w.signWith(none)
		before := w.store.Writes()
		ctx := t.Context()
		c := client("a", owner("a"))
		for what, err := range map[string]error{
			"code": w.store.PutCode(ctx, code("f")), "family": w.store.PutFamily(ctx, family("f")),
			"session": w.store.PutSession(ctx, session("s", "user/1")), "consent": w.store.AddConsent(ctx, consent("a"), time.Time{}),
			"client": func() error {
				_, err := w.store.ChangeClient(ctx, owner("a"), "a", func(store.ExistingClients) (store.ClientChange, error) {
					return store.ClientChange{Put: &c}, nil
				})
				return err
			}(),
		} {
			if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				t.Errorf("%s, %s: %v, want an outage", name, what, err)
			}
		}
		if n := w.store.Writes() - before; n != 0 {
			t.Errorf("%s: %d writes", name, n)
		}
	}
}

// f10Forged: each row gets another's content, another's place, or no MAC.
func f10Forged(t *testing.T, w *world) {
	ctx, s, c := t.Context(), w.store, consent()
	mine := func(hash string) func() error {
		return func() error { _, err := s.Code(ctx, hash, sampleTime); return err }
	}
	fam := func() error { _, err := s.Family(ctx, "f"); return err }
	cookie := func(hash string) func() error {
		return func() error { _, err := s.Session(ctx, hash, sampleTime); return err }
	}
	allowed := func(k store.ConsentKey) func() error {
		return func() error { _, err := s.Consent(ctx, k); return err }
	}
	elsewhere, promised, theirs, always := c, c, c, time.Time{}
	theirs.ClientID, elsewhere.Place, promised.Promise = "mine", "https://evil.example", "another"
	hash, own, garbage := code("f").Hash, session("s", "").Hash, "v1:"+strings.Repeat("A", 43)
	forgeries := []struct {
		name, statement string
		read            func() error
	}{
		{"a code under another hash", `UPDATE codes SET hash = 'mine' WHERE family_id = 'f'`, mine("mine")},
		{"a code that is taken under another hash", `UPDATE codes SET hash = 'mine' WHERE family_id = 'f'`,
			func() error { _, err := s.TakeCode(ctx, "mine", sampleTime); return err }},
		{"a code for another person", `UPDATE codes SET record = replace(record, 'user/1', 'user/2')`, mine(hash)},
		{"a code that sign-outs of its person do not reach", `UPDATE codes SET subject = 'user/2'`, mine(hash)},
		{"a code that the deletion of its client does not reach", `UPDATE codes SET client_id = 'mine'`, mine(hash)},
		{"a code that the revocation of its family does not reach", `UPDATE codes SET family_id = 'mine' WHERE family_id = 'f'`, mine(hash)},
		{"a code that is valid for longer", `UPDATE codes SET expires = expires + 86400`, mine(hash)},
		{"a code that is valid for longer, and taken", `UPDATE codes SET expires = expires + 86400`,
			func() error { _, err := s.TakeCode(ctx, hash, sampleTime); return err }},
		{"a code without a MAC", `UPDATE codes SET mac = ''`, mine(hash)},
		{"a code with a made-up MAC", `UPDATE codes SET mac = '` + garbage + `'`, mine(hash)},
		{"a code with another code's MAC", `UPDATE codes SET mac = (SELECT mac FROM codes WHERE family_id = 'g') WHERE family_id = 'f'`, mine(hash)},
		{"a code with a session's MAC", `UPDATE codes SET mac = (SELECT mac FROM sessions WHERE id = 's')`, mine(hash)},
		{"a code that cannot be read", `UPDATE codes SET record = 'garbage'`, mine(hash)},
		{"a family of another generation", `UPDATE families SET generation = 5 WHERE id = 'f'`, fam},
		{"a family for another person", `UPDATE families SET record = replace(record, 'user/1', 'user/2')`, fam},
		{"a family that takes another's place", `UPDATE families SET record = (SELECT record FROM families WHERE id = 'g'), mac = (SELECT mac FROM families WHERE id = 'g') WHERE id = 'f'`, fam},
		{"a family that sign-outs of its person do not reach", `UPDATE families SET subject = 'user/2'`, fam},
		{"a family that the deletion of its client does not reach", `UPDATE families SET client_id = 'mine'`, fam},
		{"a family without a MAC", `UPDATE families SET mac = ''`, fam},
		{"a family that cannot be read", `UPDATE families SET record = 'garbage'`, fam},
		{"a session under another cookie", `UPDATE sessions SET hash = 'mine' WHERE id = 's'`, cookie("mine")},
		{"a session of another id", `UPDATE sessions SET id = 'mine' WHERE id = 's'`, cookie(own)},
		{"a session of another person", `UPDATE sessions SET record = replace(record, 'user/1', 'user/2')`, cookie(own)},
		{"another person's session under one's own cookie", `UPDATE sessions SET record = (SELECT record FROM sessions WHERE id = 'z'), mac = (SELECT mac FROM sessions WHERE id = 'z') WHERE id = 's'`, cookie(own)},
		{"a session that sign-outs of its person do not reach", `UPDATE sessions SET subject = 'user/2'`, cookie(own)},
		{"a session under another user name", `UPDATE sessions SET username = 'another'`, cookie(own)},
		{"a session that is valid for longer", `UPDATE sessions SET expires = expires + 86400`, cookie(own)},
		{"a session without a MAC", `UPDATE sessions SET mac = ''`, cookie(own)},
		{"a consent to another client", `UPDATE consents SET client_id = 'mine'`, allowed(theirs.Key(always))},
		{"a consent to other scopes", `UPDATE consents SET scope = scope || '.admin'`, allowed(c.Key(always))},
		{"a consent for the client's next incarnation", `UPDATE consents SET granted = granted + 3600`, allowed(c.Key(sampleTime.Add(time.Hour)))},
		{"S1 a consent at another place", `UPDATE consents SET place = 'https://evil.example'`, allowed(elsewhere.Key(always))},
		{"S9 a consent under another promise", `UPDATE consents SET promise = 'another'`, allowed(promised.Key(always))},
		{"a consent without a MAC", `UPDATE consents SET mac = ''`, allowed(c.Key(always))},
	}
	for _, forgery := range forgeries {
		log := w.signWith(keys)
		w.fill(t)
		w.putCode(t, code("g"))
		w.putFamily(t, family("g"))
		w.putSession(t, session("z", "user/2"))
		w.sql(t, forgery.statement)
		if err := forgery.read(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", forgery.name, err)
		}
		for _, table := range []string{"codes", "families", "sessions", "consents"} {
			w.sql(t, `DELETE FROM `+table)
		}
		if !strings.Contains(log.String(), "not as this server wrote it") {
			t.Errorf("%s: not logged: %s", forgery.name, log)
		}
		if strings.Contains(log.String(), hash) || strings.Contains(log.String(), own) {
			t.Errorf("%s: a hash is in the log: %s", forgery.name, log)
		}
	}
}

func f10ForgedInLists(t *testing.T, w *world) {
	w.fill(t)
	w.putFamily(t, family("g"))
	w.putSession(t, session("z", "user/1"))
	w.sql(t, `UPDATE families SET mac = '' WHERE id = 'g'`)
	w.sql(t, `UPDATE sessions SET mac = '' WHERE id = 'z'`)
	w.sql(t, `UPDATE consents SET mac = '' WHERE scope = 'b'`)
	families, err := w.store.FamiliesOf(t.Context(), "user/1", sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "families", []store.Family{family("f")}, families)
	sessions, err := w.store.SessionsOf(t.Context(), "user/1", sampleTime)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "sessions", []store.Session{session("s", "user/1")}, sessions)
	w.wantConsents(t, "user/1", consent("a"))
	w.wantConsent(t, consent("a"))

	// Clients and policies are told, for their registrars.
	w.sql(t, `UPDATE clients SET mac = ''`)
	w.sql(t, `UPDATE policies SET mac = ''`)
	ch := w.changes(t, 0)
	wantDiff(t, "clients", []store.Client{tampered("a", "a")}, ch.Clients)
	wantDiff(t, "policies", []store.Policy{{Policy: policy.Policy{UID: "p", Cluster: "cluster-1"}, Tampered: true}}, ch.Policies)
	if _, err := w.store.Client(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the client is believed: %v", err)
	}
}

func f10ForgedConsent(t *testing.T, w *world) {
	w.consent(t, consent("a", "b"))
	w.sql(t, `UPDATE consents SET mac = 'planted' WHERE scope = 'b'`)
	w.wantConsent(t, consent("a"))
	w.consent(t, consent("a", "b"))
	w.wantConsent(t, consent("a", "b"))
}
