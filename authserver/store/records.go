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
const (
	clientVersion = 2
	policyVersion = 2
)

// clientRecord is the JSON of a client. Version 2 has what acts for people:
// redirect URIs, refresh lifetimes, display data; in version 1 all of it is absent,
// and reads as such.
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
	NextToken string `json:"next_token,omitempty"`
	Used      int64  `json:"used,omitempty"`
	By        string `json:"by,omitempty"`
}

// policyRecord is the JSON of a policy. Version 2 has roles, who may hold a scope,
// and resource servers; in version 1 they are absent, and read as such.
type policyRecord struct {
	Version int           `json:"v"`
	Policy  policy.Policy `json:"policy"`
}

// Encode gives the JSON in which a store keeps the client: what MAC is made over.
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

// Encode gives the JSON in which a store keeps the policy: what MAC is made over.
func (p Policy) Encode() ([]byte, error) {
	b, err := json.Marshal(policyRecord{Version: policyVersion, Policy: p.Policy})
	if err != nil {
		return nil, fmt.Errorf("encode policy %q: %w", p.UID, err)
	}
	return b, nil
}

// Row is a client or policy as a database keeps it: the encoded record, its MAC,
// and beside them the columns by which it is found.
type Row struct {
	// ID is the client id, or the policy's uid.
	ID string
	// Owner of a client, without the uid; all empty if it has none. Of a policy
	// only Cluster counts.
	Cluster   string
	Namespace string
	Name      string
	Record    []byte
	MAC       string
	Revision  int64
}

// Row of the client.
func (c Client) Row() (Row, error) {
	record, err := c.Encode()
	if err != nil {
		return Row{}, err
	}
	row := Row{ID: c.Registration.ClientID, Record: record, MAC: c.MAC}
	if m := c.Registration.Managed; m != nil {
		row.Cluster, row.Namespace, row.Name = m.Owner.Cluster, m.Owner.Namespace, m.Owner.Name
	}
	return row, nil
}

// Row of the policy.
func (p Policy) Row() (Row, error) {
	record, err := p.Encode()
	if err != nil {
		return Row{}, err
	}
	return Row{ID: p.UID, Cluster: p.Cluster, Record: record, MAC: p.MAC}, nil
}

// Client of a row. A record that cannot be read, or that contradicts the columns
// beside it, was edited by hand: what comes back then has only the columns and no
// MAC, so that it is found, listed and never believed.
func (r Row) Client() Client {
	c, err := decodeClient(r.Record)
	if err == nil && r.describes(c) {
		c.Record, c.MAC, c.Revision = r.Record, r.MAC, r.Revision
		return c
	}
	return Client{
		Registration: oauth.Registration{ClientID: r.ID, Managed: &oauth.Managed{
			Owner: oauth.Owner{Cluster: r.Cluster, Namespace: r.Namespace, Name: r.Name},
		}},
		Record:   r.Record,
		Revision: r.Revision,
	}
}

// Policy of a row; see Client.
func (r Row) Policy() Policy {
	p, err := decodePolicy(r.Record)
	if err == nil && p.UID == r.ID && p.Cluster == r.Cluster {
		p.Record, p.MAC, p.Revision = r.Record, r.MAC, r.Revision
		return p
	}
	return Policy{
		Policy:   policy.Policy{UID: r.ID, Cluster: r.Cluster},
		Record:   r.Record,
		Revision: r.Revision,
	}
}

func (r Row) describes(c Client) bool {
	var owner oauth.Owner
	if m := c.Registration.Managed; m != nil {
		owner = m.Owner
	}
	return c.Registration.ClientID == r.ID &&
		owner.Cluster == r.Cluster && owner.Namespace == r.Namespace && owner.Name == r.Name
}

func decodeClient(b []byte) (Client, error) {
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
	return &selfRecord{NextToken: s.NextToken, Used: unix(s.Used), By: s.By}
}

func (r *selfRecord) self() *Self {
	if r == nil {
		return nil
	}
	return &Self{NextToken: r.NextToken, Used: fromUnix(r.Used), By: r.By}
}

func decodePolicy(b []byte) (Policy, error) {
	var rec policyRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return Policy{}, fmt.Errorf("decode policy: %w", err)
	}
	if rec.Version < 1 || rec.Version > policyVersion {
		return Policy{}, errVersion
	}
	return Policy{Policy: rec.Policy}, nil
}

// errVersion cannot be met in good order: a newer binary moves the schema on, and
// an older one refuses that.
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
