package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

const (
	putSession   = `INSERT INTO sessions (id, hash, subject, seen, expires, record) VALUES ($1, $2, $3, $4, $5, $6)`
	touchSession = `UPDATE sessions SET seen = $2 WHERE id = $1 AND seen < $2`
	readSessions = `SELECT id, hash, seen, record FROM sessions WHERE `
)

// PutSession implements store.Sessions.
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	record, err := session.Encode()
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, putSession, session.ID, session.Hash, session.Subject, seconds(session.Seen), session.Expires.Unix(), string(record))
	if err != nil {
		return fmt.Errorf("put session %q: %w", session.ID, err)
	}
	return nil
}

// Session implements store.Sessions.
func (s *Store) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	found, err := one(ctx, s.pool, scanSession, readSessions+`hash = $1 AND expires > $2`, hash, now.Unix())
	if err != nil {
		return store.Session{}, fmt.Errorf("session: %w", err)
	}
	return found, nil
}

// TouchSession implements store.Sessions.
func (s *Store) TouchSession(ctx context.Context, id string, seen time.Time) error {
	if _, err := s.exec(ctx, touchSession, id, seconds(seen)); err != nil {
		return fmt.Errorf("touch session %q: %w", id, err)
	}
	return nil
}

// EndSession implements store.Sessions.
func (s *Store) EndSession(ctx context.Context, subject, id string) error {
	n, err := s.exec(ctx, `DELETE FROM sessions WHERE id = $1 AND subject = $2`, id, subject)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("end session %q: %w", id, err)
	}
	return nil
}

// SessionsOf implements store.Sessions, in the order of their ids.
func (s *Store) SessionsOf(ctx context.Context, subject string, now time.Time) ([]store.Session, error) {
	found, err := list(ctx, s.pool, scanSession, readSessions+`subject = $1 AND expires > $2 ORDER BY id`, subject, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list a person's sessions: %w", err)
	}
	return found, nil
}

func scanSession(row pgx.CollectableRow) (store.Session, error) {
	var (
		id, hash, record string
		seen             int64
	)
	if err := row.Scan(&id, &hash, &seen, &record); err != nil {
		return store.Session{}, err
	}
	return store.DecodeSession(id, hash, seen, []byte(record))
}
