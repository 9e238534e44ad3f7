package signin

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// noon is the present of these tests.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// memory is the few roles of a store that this package reads and writes, as the
// comments of package store describe them.
type memory struct {
	mu       sync.Mutex
	counters map[string]counted
	sessions map[string]store.Session // by id
	consents []store.Consent
	families []store.Family
	signOuts map[string]int64
	touched  int
	writes   int // of counters
	log      []string
	fail     error
}

type counted struct {
	n       int
	expires time.Time
}

func newMemory() *memory {
	return &memory{counters: map[string]counted{}, sessions: map[string]store.Session{}, signOuts: map[string]int64{}}
}

func (m *memory) CountAttempt(_ context.Context, key string, now time.Time, window time.Duration) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counters[key]
	if !now.Before(c.expires) {
		c = counted{expires: now.Add(window)}
	}
	c.n++
	m.counters[key] = c
	m.writes++
	return c.n, m.fail
}

func (m *memory) Attempts(_ context.Context, key string, now time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.counters[key]; now.Before(c.expires) {
		return c.n, m.fail
	}
	return 0, m.fail
}

func (m *memory) ClearAttempts(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.counters, key)
	return m.fail
}

func (m *memory) PutSession(_ context.Context, s store.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[s.ID] = s
	return m.fail
}

func (m *memory) Session(_ context.Context, hash string, now time.Time) (store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return store.Session{}, m.fail
	}
	for _, s := range m.sessions {
		if s.Hash == hash && now.Before(s.Expires) {
			return s, nil
		}
	}
	return store.Session{}, store.ErrNotFound
}

func (m *memory) TouchSession(_ context.Context, id string, seen time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touched++
	if s, ok := m.sessions[id]; ok {
		s.Seen = seen
		m.sessions[id] = s
	}
	return m.fail
}

func (m *memory) EndSession(_ context.Context, subject, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id].Subject != subject {
		return store.ErrNotFound
	}
	delete(m.sessions, id)
	return m.fail
}

func (m *memory) SignOuts(_ context.Context, subject string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signOuts[subject], m.fail
}

func (m *memory) SignOut(ctx context.Context, subject, _ string, now time.Time) (store.Ended, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return store.Ended{}, m.fail
	}
	m.signOuts[subject]++
	before := len(m.sessions)
	maps.DeleteFunc(m.sessions, func(_ string, s store.Session) bool { return s.Subject == subject })
	n, err := m.RevokeFamilies(ctx, store.FamilyFilter{Subject: subject}, now)
	return store.Ended{Sessions: before - len(m.sessions), Families: n}, err
}

func (m *memory) PeopleNamed(context.Context, string, time.Time, int) ([]string, error) {
	return nil, nil
}

func (m *memory) SessionsOf(_ context.Context, subject string, now time.Time) ([]store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []store.Session
	for _, s := range m.sessions {
		if s.Subject == subject && now.Before(s.Expires) {
			out = append(out, s)
		}
	}
	return out, m.fail
}

func (m *memory) AddConsent(_ context.Context, c store.Consent, _ time.Time) error {
	m.consents = append(m.consents, c)
	return m.fail
}

func (m *memory) Consent(context.Context, store.ConsentKey) (store.Consent, error) {
	return store.Consent{}, store.ErrNotFound
}

func (m *memory) ConsentsOf(_ context.Context, subject string) ([]store.Consent, error) {
	return slices.DeleteFunc(slices.Clone(m.consents), func(c store.Consent) bool { return c.Subject != subject }), m.fail
}

func (m *memory) Withdrawn(context.Context, string, string, time.Time) (bool, error) {
	return false, m.fail
}

func (m *memory) WithdrawConsents(_ context.Context, subject, clientID string, _ time.Time) (bool, error) {
	m.log = append(m.log, "consents")
	before := len(m.consents)
	m.consents = slices.DeleteFunc(m.consents, func(c store.Consent) bool { return c.Subject == subject && c.ClientID == clientID })
	return len(m.consents) < before, m.fail
}

func (m *memory) PutFamily(_ context.Context, f store.Family) error {
	m.families = append(m.families, f)
	return m.fail
}

func (m *memory) Family(context.Context, string) (store.Family, error) {
	return store.Family{}, store.ErrNotFound
}

func (m *memory) AdvanceFamily(context.Context, int64, store.Family) error { return store.ErrConflict }

func (m *memory) RevokeFamilies(_ context.Context, f store.FamilyFilter, now time.Time) (int, error) {
	m.log = append(m.log, "families")
	n := 0
	for i, family := range m.families {
		chosen := cmp.Or(f.ID, family.ID) == family.ID && cmp.Or(f.Subject, family.Grant.Subject) == family.Grant.Subject &&
			cmp.Or(f.ClientID, family.Grant.ClientID) == family.Grant.ClientID
		if chosen && family.Revoked.IsZero() {
			m.families[i].Revoked = now
			n++
		}
	}
	return n, m.fail
}

func (m *memory) FamiliesOf(_ context.Context, subject string, _ time.Time) ([]store.Family, error) {
	return slices.DeleteFunc(slices.Clone(m.families), func(f store.Family) bool {
		return f.Grant.Subject != subject || !f.Revoked.IsZero()
	}), m.fail
}

func serverKeys(t *testing.T) func() credential.ServerKeys {
	t.Helper()
	k, err := credential.NewServerKeys(noon)
	if err != nil {
		t.Fatal(err)
	}
	return func() credential.ServerKeys { return k }
}

// directory parses a document in which HASH is the hash of "right".
func directory(t *testing.T, document string) *Directory {
	t.Helper()
	d, err := ParseDirectory([]byte(replaceHash(document)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
