package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// sweepLimit is how many records a Sweep removes at most.
const sweepLimit = 1000

// Past says which rows of a table are past. $1 is now, in Unix seconds.
type Past struct {
	// Where is the condition.
	Where string
	// Order is the column that has an index.
	Order string
}

// swept is a table that is swept by its key.
type swept struct {
	table, key string
	past       Past
}

func (r *Roles) swept() []swept {
	return []swept{
		{"codes", "hash", Past{"sweep <= $1", "sweep"}},
		{"families", "id", r.dialect.SweptFamilies},
		{"sessions", "id", Past{"expires <= $1", "expires"}},
		{"attempts", "key", Past{"expires <= CAST($1 AS BIGINT) * 1000", "expires"}},
		{"pushed_requests", "hash", Past{"expires <= $1", "expires"}},
		{"revoked_tokens", "jti", Past{"expires <= $1", "expires"}},
	}
}

// Sweep implements store.Sweeper. Each table is a transaction of its own, so that
// nobody waits long; what has nothing to remove writes nothing.
func (r *Roles) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := int64(0)
	for _, t := range r.swept() {
		q := `DELETE FROM ` + t.table + ` WHERE ` + t.key + ` IN (SELECT ` + t.key + ` FROM ` + t.table +
			` WHERE ` + t.past.Where + ` ORDER BY ` + t.past.Order + ` LIMIT $2` + r.dialect.LockSwept + `)`
		n, err := r.db.Exec(ctx, q, now.Unix(), sweepLimit-removed)
		if err != nil {
			return int(removed), fmt.Errorf("sweep %s: %w", t.table, err)
		}
		if removed += n; removed >= sweepLimit {
			return int(removed), nil
		}
	}
	for _, table := range goneWithClients {
		n, err := r.sweepGone(ctx, table, sweepLimit-removed)
		if removed += n; err != nil {
			return int(removed), fmt.Errorf("sweep %s: %w", table.name, err)
		}
	}
	return int(removed), nil
}

// goneWithClient is a table whose rows have no end of their own: they go with their
// client. A client takes them along; those that are swept came in the moment that it
// went, or it was deleted by hand.
type goneWithClient struct{ name, key string }

var goneWithClients = []goneWithClient{
	{"consents", "subject, client_id, resource, place, scope"},
	{"withdrawals", "client_id, subject"},
}

// ofNobody finds the clients that are not there. Rows are many and their clients are
// few, so that the index is walked from client to client.
func (t goneWithClient) ofNobody() string {
	return `WITH RECURSIVE known (id) AS (
			SELECT min(client_id) FROM ` + t.name + `
			UNION ALL
			SELECT (SELECT min(client_id) FROM ` + t.name + ` WHERE client_id > known.id) FROM known WHERE known.id IS NOT NULL)
		SELECT id FROM known WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM clients WHERE client_id = known.id)`
}

// sweep removes $2 rows of a client that is still not there.
func (t goneWithClient) sweep() string {
	return `DELETE FROM ` + t.name + ` WHERE (` + t.key + `) IN (SELECT ` + t.key + ` FROM ` + t.name + `
		WHERE client_id = $1 AND NOT EXISTS (SELECT 1 FROM clients WHERE client_id = $1) LIMIT $2)`
}

func (r *Roles) sweepGone(ctx context.Context, t goneWithClient, limit int64) (removed int64, err error) {
	gone, err := list(ctx, r.db, func(row Scan) (id string, err error) {
		err = row(&id)
		return id, err
	}, t.ofNobody())
	for _, id := range gone {
		if err != nil || removed >= limit {
			break
		}
		var n int64
		n, err = r.db.Exec(ctx, t.sweep(), id, limit-removed)
		removed += n
	}
	return removed, err
}
