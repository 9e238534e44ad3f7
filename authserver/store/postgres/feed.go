package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

// Changes implements store.Feed: one transaction, so one moment.
func (s *Store) Changes(ctx context.Context, storeID string, since int64) (store.Changes, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return store.Changes{}, fmt.Errorf("read changes: %w", err)
	}
	defer rollback(ctx, tx)
	is, err := bound(ctx, tx, ``)
	if err != nil {
		return store.Changes{}, fmt.Errorf("read changes: %w", err)
	}
	ch := store.Changes{StoreID: is.storeID, Revision: is.revision}
	if storeID == is.storeID && since == is.revision && since >= is.floor {
		return ch, nil
	}
	if storeID != is.storeID || since <= 0 || since > is.revision || since < is.floor {
		ch.Full, since = true, minRevision
	}
	if err := readChanges(ctx, tx, &ch, since); err != nil {
		return store.Changes{}, fmt.Errorf("read changes: %w", err)
	}
	return ch, nil
}

// minRevision is below every revision, also one that was set by hand.
const minRevision = -1 << 63

func readChanges(ctx context.Context, tx pgx.Tx, ch *store.Changes, since int64) error {
	var err error
	if ch.Clients, err = list(ctx, tx, scanClient, readClients+`revision >= $1 ORDER BY revision`, since+1); err != nil {
		return err
	}
	if ch.Policies, err = list(ctx, tx, scanPolicy, readPolicies+`revision >= $1 ORDER BY revision`, since+1); err != nil {
		return err
	}
	if ch.Full {
		return nil
	}
	return readDeletions(ctx, tx, ch, since)
}

// readDeletions of what did not come back.
func readDeletions(ctx context.Context, tx pgx.Tx, ch *store.Changes, since int64) error {
	const gone = `SELECT DISTINCT kind, id FROM deletions AS d WHERE revision > $1
		AND NOT EXISTS (SELECT 1 FROM clients WHERE d.kind = 'client' AND client_id = d.id)
		AND NOT EXISTS (SELECT 1 FROM policies WHERE d.kind = 'policy' AND uid = d.id)`
	rows, err := tx.Query(ctx, gone, since)
	if err != nil {
		return err
	}
	var kind, id string
	_, err = pgx.ForEachRow(rows, []any{&kind, &id}, func() error {
		if kind == "client" {
			ch.DeletedClients = append(ch.DeletedClients, id)
		} else {
			ch.DeletedPolicies = append(ch.DeletedPolicies, id)
		}
		return nil
	})
	return err
}

// Await implements store.Feed: a notification wakes it at once, whichever replica
// made the change, and the poll interval where none comes through.
func (s *Store) Await(ctx context.Context, since int64) error {
	linger := time.NewTimer(s.linger)
	defer linger.Stop()
	poll := time.NewTicker(s.poll)
	defer poll.Stop()
	for {
		moved, closed := s.watch()
		if closed {
			return nil
		}
		// Read after watch, so that no commit falls between the two.
		if now, err := s.readRevision(ctx); err != nil || now != since {
			return err
		}
		select {
		case <-moved:
		case <-linger.C:
			return nil
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) watch() (moved <-chan struct{}, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved, s.closed
}

// wake whoever waits for another revision.
func (s *Store) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		close(s.moved)
		s.moved = make(chan struct{})
	}
}

// readRevision is 0 while the store has none: somebody deleted the row.
func (s *Store) readRevision(ctx context.Context) (int64, error) {
	var revision int64
	err := s.pool.QueryRow(ctx, `SELECT revision FROM meta`).Scan(&revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, fmt.Errorf("read the revision: %w", err)
	}
	return revision, nil
}
