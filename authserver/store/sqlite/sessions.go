package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	putSession   = `INSERT INTO sessions (id, hash, subject, seen, expires, record) VALUES (?, ?, ?, ?, ?, ?)`
	touchSession = `UPDATE sessions SET seen = ?2 WHERE id = ?1 AND seen < ?2`
	readSession  = `SELECT id, hash, seen, record FROM sessions WHERE hash = ? AND expires > ?`
	sessionsOf   = `SELECT id, hash, seen, record FROM sessions WHERE subject = ? AND expires > ? ORDER BY id`
)

// PutSession implements store.Sessions.
func (s *Store) PutSession(ctx context.Context, session store.Session) error {
	record, err := session.Encode()
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, s.statements.putSession, session.ID, session.Hash, session.Subject,
		seconds(session.Seen), session.Expires.Unix(), string(record))
	if err != nil {
		return fmt.Errorf("put session %q: %w", session.ID, err)
	}
	return nil
}

// Session implements store.Sessions.
func (s *Store) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	found, err := one(ctx, s.statements.session, []any{hash, now.Unix()}, scanSession)
	if err != nil {
		return store.Session{}, fmt.Errorf("session: %w", err)
	}
	return found, nil
}

// TouchSession implements store.Sessions.
func (s *Store) TouchSession(ctx context.Context, id string, seen time.Time) error {
	if _, err := s.exec(ctx, s.statements.touchSession, id, seconds(seen)); err != nil {
		return fmt.Errorf("touch session %q: %w", id, err)
	}
	return nil
}

// EndSession implements store.Sessions.
func (s *Store) EndSession(ctx context.Context, subject, id string) error {
	err := s.durably(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = ? AND subject = ?`, id, subject))
		if err == nil && n == 0 {
			err = store.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("end session %q: %w", id, err)
	}
	return nil
}

// SessionsOf implements store.Sessions, in the order of their ids.
func (s *Store) SessionsOf(ctx context.Context, subject string, now time.Time) ([]store.Session, error) {
	found, err := list(ctx, s.statements.sessionsOf, []any{subject, now.Unix()}, scanSession)
	if err != nil {
		return nil, fmt.Errorf("list a person's sessions: %w", err)
	}
	return found, nil
}

func scanSession(rows *sql.Rows) (store.Session, error) {
	var (
		id, hash, record string
		seen             int64
	)
	if err := rows.Scan(&id, &hash, &seen, &record); err != nil {
		return store.Session{}, err
	}
	return store.DecodeSession(id, hash, seen, []byte(record))
}
