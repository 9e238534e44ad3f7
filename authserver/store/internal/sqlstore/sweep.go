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
			break
		}
	}
	return int(removed), nil
}
