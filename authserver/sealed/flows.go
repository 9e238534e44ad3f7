package sealed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// The MACs' domains: a record of one kind never passes for one of another.
const (
	codeDomain    = "clientele/store/code"
	familyDomain  = "clientele/store/family"
	sessionDomain = "clientele/store/session"
	consentDomain = "clientele/store/consent"
)

// Flows are the roles of a store behind which nothing is believed that this server
// did not write. The other roles are passed on.
type Flows struct {
	store.Flows
	keys func() credential.ServerKeys
	log  *slog.Logger
}

// New guards the roles of a store with the server keys in force.
func New(inner store.Flows, keys func() credential.ServerKeys, log *slog.Logger) *Flows {
	return &Flows{inner, keys, log}
}

// data is what a MAC is made over: the columns beside a record that tell which it
// is, each with its length, and the record.
func data(record []byte, columns ...string) []byte {
	var b []byte
	for _, c := range columns {
		b = strconv.AppendInt(b, int64(len(c)), 10)
		b = append(append(b, ':'), c...)
	}
	return append(b, record...)
}

// errAhead is an outage: who is refused for good throws tokens away.
var errAhead = oauth.TemporarilyUnavailable("this replica is behind another").
	WithCause(errors.New("a row in the database is authenticated by a server key that this replica does not have yet"))

// genuine is nil if a row is as this server wrote it. Otherwise the log is told, and
// the error is store.ErrNotFound.
func (f *Flows) genuine(mac, domain, id string, data []byte) error {
	keys := f.keys()
	switch {
	case keys.VerifyMAC(mac, domain, data):
		return nil
	case keys.Ahead(mac):
		return errAhead
	}
	_, kind, _ := strings.Cut(domain, "store/")
	f.log.Error("a row in the database is not as this server wrote it, and is not believed", "kind", kind, "id", id)
	return fmt.Errorf("a genuine %s: %w", kind, store.ErrNotFound)
}

// each leaves out of a list what is not genuine.
func each[T any](all []T, genuine func(T) error) ([]T, error) {
	var kept []T
	for _, one := range all {
		err := genuine(one)
		switch {
		case err == nil:
			kept = append(kept, one)
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return kept, nil
}

func (f *Flows) seal(domain string, data []byte) string { return f.keys().MAC(domain, data) }

// PutCode implements store.Codes.
func (f *Flows) PutCode(ctx context.Context, c store.Code) error {
	record, err := c.Encode()
	if err != nil {
		return err
	}
	c.MAC = f.seal(codeDomain, data(record, c.Hash))
	return f.Flows.PutCode(ctx, c)
}

// Code implements store.Codes.
func (f *Flows) Code(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c, err := f.Flows.Code(ctx, hash, now)
	return f.code(c, err)
}

// TakeCode implements store.Codes. One that cannot be verified yet is used up; who
// would not have that reads it first.
func (f *Flows) TakeCode(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c, err := f.Flows.TakeCode(ctx, hash, now)
	return f.code(c, err)
}

// code is what came of reading one; also of a used one the family is believed only if
// it stands there as it was written.
func (f *Flows) code(c store.Code, err error) (store.Code, error) {
	if err != nil && !errors.Is(err, store.ErrUsed) {
		return c, err
	}
	if forged := f.genuine(c.MAC, codeDomain, c.FamilyID, data(c.Record, c.Hash)); forged != nil {
		return store.Code{}, forged
	}
	return c, err
}

// familyData has the generation too: an older record would bring older hashes back.
func familyData(f store.Family, record []byte) []byte {
	return data(record, f.ID, strconv.FormatInt(f.Generation, 10))
}

func (f *Flows) sealed(family store.Family) (store.Family, error) {
	record, err := family.Encode()
	family.MAC = f.seal(familyDomain, familyData(family, record))
	return family, err
}

// PutFamily implements store.Families.
func (f *Flows) PutFamily(ctx context.Context, family store.Family) error {
	family, err := f.sealed(family)
	if err != nil {
		return err
	}
	return f.Flows.PutFamily(ctx, family)
}

// AdvanceFamily implements store.Families.
func (f *Flows) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	next, err := f.sealed(next)
	if err != nil {
		return err
	}
	return f.Flows.AdvanceFamily(ctx, from, next)
}

// Family implements store.Families.
func (f *Flows) Family(ctx context.Context, id string) (store.Family, error) {
	family, err := f.Flows.Family(ctx, id)
	if err == nil {
		err = f.genuineFamily(family)
	}
	if err != nil {
		return store.Family{}, err
	}
	return family, nil
}

// FamiliesOf implements store.Families.
func (f *Flows) FamiliesOf(ctx context.Context, subject string, now time.Time) ([]store.Family, error) {
	all, err := f.Flows.FamiliesOf(ctx, subject, now)
	if err != nil {
		return nil, err
	}
	return each(all, f.genuineFamily)
}

func (f *Flows) genuineFamily(family store.Family) error {
	return f.genuine(family.MAC, familyDomain, family.ID, familyData(family, family.Record))
}

// PutSession implements store.Sessions.
func (f *Flows) PutSession(ctx context.Context, s store.Session) error {
	record, err := s.Encode()
	if err != nil {
		return err
	}
	s.MAC = f.seal(sessionDomain, data(record, s.ID, s.Hash))
	return f.Flows.PutSession(ctx, s)
}

// Session implements store.Sessions.
func (f *Flows) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	s, err := f.Flows.Session(ctx, hash, now)
	if err == nil {
		err = f.genuineSession(s)
	}
	if err != nil {
		return store.Session{}, err
	}
	return s, nil
}

// SessionsOf implements store.Sessions.
func (f *Flows) SessionsOf(ctx context.Context, subject string, now time.Time) ([]store.Session, error) {
	all, err := f.Flows.SessionsOf(ctx, subject, now)
	if err != nil {
		return nil, err
	}
	return each(all, f.genuineSession)
}

func (f *Flows) genuineSession(s store.Session) error {
	return f.genuine(s.MAC, sessionDomain, s.ID, data(s.Record, s.ID, s.Hash))
}

// consentData has the time too: what was allowed to one incarnation of a client is not
// brought forward to the next.
func consentData(c store.Consent, scope string, at time.Time) []byte {
	return data(nil, c.Subject, c.ClientID, c.Resource, c.Place, c.Promise, scope, strconv.FormatInt(at.Unix(), 10))
}

// AddConsent implements store.Consents. What is there already is not written again.
func (f *Flows) AddConsent(ctx context.Context, c store.Consent, since time.Time) error {
	there, err := f.Consent(ctx, c.Key(since))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var scopes, macs []string
	for _, scope := range c.Scopes {
		if !slices.Contains(there.Scopes, scope) {
			scopes, macs = append(scopes, scope), append(macs, f.seal(consentDomain, consentData(c, scope, c.Granted)))
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	c.Scopes, c.MACs = scopes, macs
	return f.Flows.AddConsent(ctx, c, since)
}

// Consent implements store.Consents.
func (f *Flows) Consent(ctx context.Context, key store.ConsentKey) (store.Consent, error) {
	c, err := f.Flows.Consent(ctx, key)
	if err == nil {
		err = f.keepGenuine(&c)
	}
	if err != nil {
		return store.Consent{}, err
	}
	return c, nil
}

// ConsentsOf implements store.Consents.
func (f *Flows) ConsentsOf(ctx context.Context, subject string) ([]store.Consent, error) {
	all, err := f.Flows.ConsentsOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	var kept []store.Consent
	for _, c := range all {
		err := f.keepGenuine(&c)
		switch {
		case err == nil:
			kept = append(kept, c)
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return kept, nil
}

// keepGenuine leaves out the scopes that nobody allowed here: store.ErrNotFound if
// none is left.
func (f *Flows) keepGenuine(c *store.Consent) error {
	kept := *c
	kept.Scopes, kept.MACs, kept.Times, kept.Granted = nil, nil, nil, time.Time{}
	for i, scope := range c.Scopes {
		err := f.genuine(c.MACs[i], consentDomain, c.ClientID, consentData(*c, scope, c.Times[i]))
		switch {
		case err == nil:
			kept.Scopes, kept.MACs, kept.Times = append(kept.Scopes, scope), append(kept.MACs, c.MACs[i]), append(kept.Times, c.Times[i])
			if c.Times[i].After(kept.Granted) {
				kept.Granted = c.Times[i]
			}
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	*c = kept
	if len(c.Scopes) == 0 {
		return fmt.Errorf("consent: %w", store.ErrNotFound)
	}
	return nil
}
