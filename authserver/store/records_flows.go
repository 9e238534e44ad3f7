package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Versions of the stored JSON of codes, families and sessions; see records.go.
const (
	codeVersion    = 1
	familyVersion  = 1
	sessionVersion = 1
)

// codeRecord is the JSON of a code.
type codeRecord struct {
	Version     int    `json:"v"`
	Grant       Grant  `json:"grant"`
	RedirectURI string `json:"redirect_uri,omitempty"`
	Challenge   string `json:"challenge,omitempty"`
	FamilyID    string `json:"family_id"`
	Issued      int64  `json:"issued,omitempty"`
	Expires     int64  `json:"expires"`
}

// familyRecord is the JSON of a family. Generation and revocation are columns, for
// they are what writers compare.
type familyRecord struct {
	Version     int        `json:"v"`
	Grant       Grant      `json:"grant"`
	Current     string     `json:"current"`
	Rotations   []Rotation `json:"rotations,omitempty"`
	Retries     Retries    `json:"retries,omitzero"`
	Created     int64      `json:"created"`
	Rotated     int64      `json:"rotated,omitempty"`
	Expires     int64      `json:"expires"`
	IdleExpires int64      `json:"idle_expires,omitempty"`
}

// sessionRecord is the JSON of a session. Seen is a column.
type sessionRecord struct {
	Version       int      `json:"v"`
	Subject       string   `json:"subject"`
	Source        string   `json:"source"`
	Issuer        string   `json:"issuer,omitempty"`
	ClientID      string   `json:"client_id,omitempty"`
	Stamp         string   `json:"stamp,omitempty"`
	Username      string   `json:"username,omitempty"`
	Name          string   `json:"name,omitempty"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified,omitempty"`
	Roles         []string `json:"roles,omitempty"`
	Groups        []string `json:"groups,omitempty"`
	Tenant        string   `json:"tenant,omitempty"`
	UserAgent     string   `json:"user_agent,omitempty"`
	Address       string   `json:"address,omitempty"`
	AuthTime      int64    `json:"auth_time"`
	Created       int64    `json:"created"`
	Expires       int64    `json:"expires"`
	SignOuts      int64    `json:"sign_outs,omitempty"`
}

// Encode gives the JSON in which a store keeps the code, but for its hash.
func (c Code) Encode() ([]byte, error) {
	return encode("code", codeRecord{
		Version: codeVersion, Grant: c.Grant, RedirectURI: c.RedirectURI, Challenge: c.Challenge,
		FamilyID: c.FamilyID, Issued: unix(c.Issued), Expires: unix(c.Expires),
	})
}

// DecodeCode reads what Encode gave.
func DecodeCode(hash string, record []byte) (Code, error) {
	var rec codeRecord
	if err := decode("code", record, &rec, &rec.Version, codeVersion); err != nil {
		return Code{}, err
	}
	return Code{
		Hash: hash, Grant: rec.Grant, RedirectURI: rec.RedirectURI, Challenge: rec.Challenge,
		FamilyID: rec.FamilyID, Issued: fromUnix(rec.Issued), Expires: fromUnix(rec.Expires),
	}, nil
}

// Encode gives the JSON in which a store keeps the family, but for its id,
// generation and revocation.
func (f Family) Encode() ([]byte, error) {
	return encode("family", familyRecord{
		Version: familyVersion, Grant: f.Grant, Current: f.Current, Rotations: f.Rotations, Retries: f.Retries,
		Created: unix(f.Created), Rotated: unix(f.Rotated), Expires: unix(f.Expires), IdleExpires: unix(f.IdleExpires),
	})
}

// DecodeFamily reads what Encode gave, with what stands in columns beside it;
// revoked is in Unix seconds, 0 if it is not.
func DecodeFamily(id string, generation, revoked int64, record []byte) (Family, error) {
	var rec familyRecord
	if err := decode("family", record, &rec, &rec.Version, familyVersion); err != nil {
		return Family{}, err
	}
	return Family{
		ID: id, Grant: rec.Grant, Generation: generation, Current: rec.Current, Rotations: rec.Rotations, Retries: rec.Retries,
		Created: fromUnix(rec.Created), Rotated: fromUnix(rec.Rotated),
		Expires: fromUnix(rec.Expires), IdleExpires: fromUnix(rec.IdleExpires), Revoked: fromUnix(revoked),
	}, nil
}

// Ends is when the family ends by itself or was revoked, in Unix seconds,
// whichever is earlier.
func (f Family) Ends() int64 {
	ends := f.Expires
	for _, t := range []time.Time{f.IdleExpires, f.Revoked} {
		if !t.IsZero() && t.Before(ends) {
			ends = t
		}
	}
	return unix(ends)
}

// Encode gives the JSON in which a store keeps the session, but for its id, hash
// and last use.
func (s Session) Encode() ([]byte, error) {
	return encode("session", sessionRecord{
		Version: sessionVersion, Subject: s.Subject,
		Source: s.Source.Name, Issuer: s.Source.Issuer, ClientID: s.Source.ClientID, Stamp: s.Source.Stamp, Username: s.Username, Name: s.Name,
		Email: s.Email, EmailVerified: s.EmailVerified, Roles: s.Roles, Groups: s.Groups, Tenant: s.Tenant,
		UserAgent: s.UserAgent, Address: s.Address, AuthTime: unix(s.AuthTime), Created: unix(s.Created), Expires: unix(s.Expires),
		SignOuts: s.SignOuts,
	})
}

// DecodeSession reads what Encode gave, with what stands in columns beside it;
// seen is in Unix seconds.
func DecodeSession(id, hash string, seen int64, record []byte) (Session, error) {
	var rec sessionRecord
	if err := decode("session", record, &rec, &rec.Version, sessionVersion); err != nil {
		return Session{}, err
	}
	return Session{
		ID: id, Hash: hash, Subject: rec.Subject,
		Source: Source{Name: rec.Source, Issuer: rec.Issuer, ClientID: rec.ClientID, Stamp: rec.Stamp}, Username: rec.Username, Name: rec.Name,
		Email: rec.Email, EmailVerified: rec.EmailVerified, Roles: rec.Roles, Groups: rec.Groups, Tenant: rec.Tenant,
		UserAgent: rec.UserAgent, Address: rec.Address,
		AuthTime: fromUnix(rec.AuthTime), Created: fromUnix(rec.Created), Seen: fromUnix(seen), Expires: fromUnix(rec.Expires),
		SignOuts: rec.SignOuts,
	}, nil
}

func encode(kind string, record any) ([]byte, error) {
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	return b, nil
}

// decode a record into rec, whose version is at most the present one.
func decode(kind string, record []byte, rec any, version *int, present int) error {
	if err := json.Unmarshal(record, rec); err != nil {
		return fmt.Errorf("decode %s: %w", kind, err)
	}
	if *version < 1 || *version > present {
		return fmt.Errorf("decode %s: %w", kind, errVersion)
	}
	return nil
}

// ConsentRow is the consent to one scope.
type ConsentRow struct {
	Subject, ClientID, Resource, Place, Promise, Scope string
	Granted                                            int64 // Unix seconds
}

// JoinConsents makes consents of rows that are sorted by client, resource, place,
// promise and scope, of one person.
func JoinConsents(rows []ConsentRow) []Consent {
	var all []Consent
	for _, r := range rows {
		last := len(all) - 1
		of := Consent{Subject: r.Subject, ClientID: r.ClientID, Resource: r.Resource, Place: r.Place, Promise: r.Promise}
		if last < 0 || all[last].Key(time.Time{}) != of.Key(time.Time{}) {
			all = append(all, of)
			last++
		}
		c := &all[last]
		granted := fromUnix(r.Granted)
		c.Scopes = append(c.Scopes, r.Scope)
		if granted.After(c.Granted) {
			c.Granted = granted
		}
	}
	return all
}
