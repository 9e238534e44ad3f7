package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Changes implements store.Feed: one transaction, so one moment.
func (s *Store) Changes(ctx context.Context, storeID string, since int64) (store.Changes, error) {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return store.Changes{}, fmt.Errorf("read changes: %w", err)
	}
	defer rollback(tx)
	is, err := bound(ctx, tx)
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

func readChanges(ctx context.Context, tx *sql.Tx, ch *store.Changes, since int64) error {
	var err error
	if ch.Clients, err = listClients(ctx, tx, `revision >= ? ORDER BY revision`, since+1); err != nil {
		return err
	}
	if ch.Policies, err = listPolicies(ctx, tx, `revision >= ? ORDER BY revision`, since+1); err != nil {
		return err
	}
	if ch.Full {
		return nil
	}
	return readDeletions(ctx, tx, ch, since)
}

// readDeletions of what did not come back.
func readDeletions(ctx context.Context, tx *sql.Tx, ch *store.Changes, since int64) error {
	const gone = `SELECT DISTINCT kind, id FROM deletions AS d WHERE revision > ?
		AND NOT EXISTS (SELECT 1 FROM clients WHERE d.kind = 'client' AND client_id = d.id)
		AND NOT EXISTS (SELECT 1 FROM policies WHERE d.kind = 'policy' AND uid = d.id)`
	rows, err := tx.QueryContext(ctx, gone, since)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	for rows.Next() {
		var kind, id string
		if err := rows.Scan(&kind, &id); err != nil {
			return err
		}
		if kind == "client" {
			ch.DeletedClients = append(ch.DeletedClients, id)
		} else {
			ch.DeletedPolicies = append(ch.DeletedPolicies, id)
		}
	}
	return rows.Err()
}

// Await implements store.Feed: a commit of this process wakes it at once, one of
// another process within the poll interval.
func (s *Store) Await(ctx context.Context, since int64) error {
	linger := time.NewTimer(s.linger)
	defer linger.Stop()
	poll := time.NewTicker(s.poll)
	defer poll.Stop()
	for {
		moved := s.watch()
		// Read after watch, so that no commit falls between the two.
		if now, err := s.readRevision(ctx); err != nil || now != since {
			return err
		}
		select {
		case <-moved:
			return nil
		case <-linger.C:
			return nil
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// readRevision is 0 while the store has none: somebody deleted the row.
func (s *Store) readRevision(ctx context.Context) (int64, error) {
	var revision int64
	err := s.read.QueryRowContext(ctx, `SELECT revision FROM meta`).Scan(&revision)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the revision: %w", err)
	}
	return revision, nil
}
