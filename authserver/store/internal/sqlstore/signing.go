package sqlstore

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// kind of row. Its name is part of what is authenticated: a row of one kind never passes
// for one of another.
type kind string

const (
	clientRow  kind = "client"
	policyRow  kind = "policy"
	codeRow    kind = "code"
	familyRow  kind = "family"
	sessionRow kind = "session"
	consentRow kind = "consent"
)

func (k kind) domain() string { return "clientele/store/" + string(k) }

// signing is what rows are authenticated with.
type signing struct {
	keys func() store.Signer
	log  *slog.Logger
}

// unsigned has no keys yet: it writes nothing and verifies nothing.
func unsigned() *signing {
	return &signing{func() store.Signer { return nil }, slog.New(slog.DiscardHandler)}
}

// SignWith implements store.Signing.
func (r *Roles) SignWith(keys func() store.Signer, log *slog.Logger) { *r.signing = signing{keys, log} }

// The errors of signing are outages: a permanent error would make clients discard their
// tokens.
var (
	errNoKeys = oauth.TemporarilyUnavailable("this replica is starting").WithCause(errors.New("the server keys are not there yet"))
	errAhead  = oauth.TemporarilyUnavailable("this replica is behind another").
			WithCause(errors.New("a row in the database is authenticated by a server key that this replica does not have yet"))
)

// errForged: the row is not as this server wrote it. Readers get what they get for a row
// that does not exist.
var errForged = fmt.Errorf("the row is not authentic: %w", store.ErrNotFound)

// sign a row: the record, and the columns beside it that say which row it is.
func (s *signing) sign(k kind, record []byte, columns ...string) (mac string, err error) {
	if keys := s.keys(); keys != nil {
		mac = keys.MAC(k.domain(), message(record, columns))
	}
	if mac == "" {
		return "", errNoKeys
	}
	return mac, nil
}

// verify a row: errForged if it is not as this server wrote it, errAhead if that cannot be
// known yet.
func (s *signing) verify(k kind, mac string, record []byte, columns ...string) error {
	keys := s.keys()
	switch {
	case keys == nil:
		return errNoKeys
	case keys.VerifyMAC(mac, k.domain(), message(record, columns)):
		return nil
	case keys.Ahead(mac):
		return errAhead
	}
	return errForged
}

// authentic is verify, and logs a forged row by an id that is no secret.
func (s *signing) authentic(k kind, id, mac string, record []byte, columns ...string) error {
	err := s.verify(k, mac, record, columns...)
	if errors.Is(err, errForged) {
		s.log.Error("a row in the database is not as this server wrote it, and is ignored", "kind", string(k), "id", id)
	}
	return err
}

// message is what a MAC is made over: each column with its length, and the record.
func message(record []byte, columns []string) []byte {
	size := len(record)
	for _, c := range columns {
		size += len("1234:") + len(c)
	}
	b := make([]byte, 0, size)
	for _, c := range columns {
		b = strconv.AppendInt(b, int64(len(c)), 10)
		b = append(append(b, ':'), c...)
	}
	return append(b, record...)
}
