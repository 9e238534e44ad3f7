package sqlstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	putSession    = `INSERT INTO sessions (id, hash, subject, username, seen, expires, record, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	touchSession  = `UPDATE sessions SET seen = $2 WHERE id = $1 AND seen < $2`
	endSession    = `DELETE FROM sessions WHERE id = $1 AND subject = $2`
	readSessions  = `SELECT id, hash, subject, username, seen, expires, record, mac, ` + signOutsOf + `sessions.subject) FROM sessions WHERE `
	sessionByHash = readSessions + `hash = $1 AND expires > $2`
	peopleNamed   = `SELECT DISTINCT subject FROM sessions WHERE username = $1 AND expires > $2 ORDER BY subject LIMIT $3`
	sessionsOf    = readSessions + `subject = $1 AND expires > $2 ORDER BY id`
)

// PutSession implements store.Sessions.
func (r *Roles) PutSession(ctx context.Context, s store.Session) error {
	record, err := s.Encode()
	if err != nil {
		return err
	}
	username, expires := store.FoldUsername(s.Username), s.Expires.Unix()
	mac, err := r.signing.sign(sessionRow, record, sessionColumns(s.ID, s.Hash, s.Subject, username, expires)...)
	if err != nil {
		return err
	}
	_, err = r.db.Exec(ctx, putSession, s.ID, s.Hash, s.Subject, username, seconds(s.Seen), expires, string(record), mac)
	if err != nil {
		return fmt.Errorf("put session %q: %w", s.ID, err)
	}
	return nil
}

// Session implements store.Sessions.
func (r *Roles) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	found, err := one(ctx, r.db, r.scanSession, sessionByHash, hash, now.Unix())
	if err != nil {
		return store.Session{}, fmt.Errorf("session: %w", err)
	}
	return found, nil
}

// TouchSession implements store.Sessions.
func (r *Roles) TouchSession(ctx context.Context, id string, seen time.Time) error {
	if _, err := r.db.Exec(ctx, touchSession, id, seconds(seen)); err != nil {
		return fmt.Errorf("touch session %q: %w", id, err)
	}
	return nil
}

// EndSession implements store.Sessions.
func (r *Roles) EndSession(ctx context.Context, subject, id string) error {
	n, err := r.db.End(ctx, endSession, id, subject)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("end session %q: %w", id, err)
	}
	return nil
}

// PeopleNamed implements store.Sessions.
func (r *Roles) PeopleNamed(ctx context.Context, username string, now time.Time, most int) ([]string, error) {
	found, err := list(ctx, r.db, scanSubject, peopleNamed, store.FoldUsername(username), now.Unix(), most)
	if err != nil {
		return nil, fmt.Errorf("list the people of a user name: %w", err)
	}
	return found, nil
}

func scanSubject(row Scan) (string, error) {
	var subject string
	err := row(&subject)
	return subject, err
}

// SessionsOf implements store.Sessions, in the order of their ids.
func (r *Roles) SessionsOf(ctx context.Context, subject string, now time.Time) ([]store.Session, error) {
	found, err := list(ctx, r.db, r.scanSession, sessionsOf, subject, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list a person's sessions: %w", err)
	}
	return found, nil
}

func (r *Roles) scanSession(row Scan) (store.Session, error) {
	var (
		id, hash, subject, username string
		record, mac                 string
		seen, expires, signOuts     int64
	)
	if err := row(&id, &hash, &subject, &username, &seen, &expires, &record, &mac, &signOuts); err != nil {
		return store.Session{}, err
	}
	if err := r.signing.authentic(sessionRow, id, mac, []byte(record), sessionColumns(id, hash, subject, username, expires)...); err != nil {
		return store.Session{}, err
	}
	s, err := store.DecodeSession(id, hash, seen, []byte(record))
	if err == nil && s.SignOuts != signOuts {
		err = errLeftOut
	}
	return s, err
}

// sessionColumns are all but the last use: which session it is, how long it is valid, and
// by what it is found and ended.
func sessionColumns(id, hash, subject, username string, expires int64) []string {
	return []string{id, hash, subject, username, strconv.FormatInt(expires, 10)}
}
