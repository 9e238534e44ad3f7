package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// Versions of the stored JSON. A record is authenticated as the bytes that were
// stored, so an older version stays readable and its MAC verifies. Raise a version
// when a member is added, renamed or changes its meaning, and keep the golden file
// of the one before: TestRecords says when it was forgotten.
//
// Replicas of two releases write side by side, and the newer one may be rolled back. So
// release N learns to read a new version and writes the one before; N+1 writes it, with a
// step of the schema that is readable from N's (sqlstore.Schema).
const (
	clientVersion = 1
	policyVersion = 1
)

// clientRecord is the JSON of a client.
type clientRecord struct {
	Version           int                `json:"v"`
	Registration      oauth.Registration `json:"registration"`
	Secrets           []string           `json:"secrets,omitempty"`
	RegistrationToken string             `json:"registration_token,omitempty"`
	Self              *selfRecord        `json:"self,omitempty"`
	Created           int64              `json:"created"`
	NotBefore         int64              `json:"not_before,omitempty"`
	Digest            string             `json:"digest"`
}

type selfRecord struct {
	Used int64  `json:"used,omitempty"`
	By   string `json:"by,omitempty"`
}

// policyRecord is the JSON of a policy.
type policyRecord struct {
	Version int           `json:"v"`
	Policy  policy.Policy `json:"policy"`
}

// Encode gives the JSON in which a store keeps the client.
func (c Client) Encode() ([]byte, error) {
	b, err := json.Marshal(clientRecord{
		Version:           clientVersion,
		Registration:      c.Registration,
		Secrets:           c.Secrets,
		RegistrationToken: c.RegistrationToken,
		Self:              c.Self.record(),
		Created:           unix(c.Created),
		NotBefore:         unix(c.NotBefore),
		Digest:            c.Digest,
	})
	if err != nil {
		return nil, fmt.Errorf("encode client %q: %w", c.Registration.ClientID, err)
	}
	return b, nil
}

// Encode gives the JSON in which a store keeps the policy.
func (p Policy) Encode() ([]byte, error) {
	b, err := json.Marshal(policyRecord{Version: policyVersion, Policy: p.Policy})
	if err != nil {
		return nil, fmt.Errorf("encode policy %q: %w", p.UID, err)
	}
	return b, nil
}

// DecodeClient reads what Encode gave.
func DecodeClient(b []byte) (Client, error) {
	var rec clientRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return Client{}, fmt.Errorf("decode client: %w", err)
	}
	if rec.Version < 1 || rec.Version > clientVersion {
		return Client{}, errVersion
	}
	return Client{
		Registration:      rec.Registration,
		Secrets:           rec.Secrets,
		RegistrationToken: rec.RegistrationToken,
		Self:              rec.Self.self(),
		Created:           fromUnix(rec.Created),
		NotBefore:         fromUnix(rec.NotBefore),
		Digest:            rec.Digest,
	}, nil
}

func (s *Self) record() *selfRecord {
	if s == nil {
		return nil
	}
	return &selfRecord{Used: unix(s.Used), By: s.By}
}

func (r *selfRecord) self() *Self {
	if r == nil {
		return nil
	}
	return &Self{Used: fromUnix(r.Used), By: r.By}
}

// DecodePolicy reads what Encode gave.
func DecodePolicy(b []byte) (Policy, error) {
	var rec policyRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	if rec.Version < 1 || rec.Version > policyVersion {
		return Policy{}, errVersion
	}
	return Policy{Policy: rec.Policy}, nil
}

// errVersion cannot be met in good order: a step of the schema goes with each new
// version, and a binary that cannot read it refuses that.
var errVersion = errors.New("unknown version of the record")

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
