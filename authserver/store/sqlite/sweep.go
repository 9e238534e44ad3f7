package sqlite

import (
	"context"
	"fmt"
	"time"
)

// sweepLimit is how many records a Sweep removes at most.
const sweepLimit = 1000

// swept says for each table which rows are past: a column, and how long before
// now it has to lie.
var swept = []struct {
	table, key, column string
	keep               time.Duration
	milliseconds       bool
}{
	{table: "codes", key: "hash", column: "sweep"},
	// A family's last access token may outlive it.
	{table: "families", key: "id", column: "ends", keep: day * time.Second},
	{table: "sessions", key: "id", column: "expires"},
	{table: "attempts", key: "key", column: "expires", milliseconds: true},
	{table: "pushed_requests", key: "hash", column: "expires"},
	{table: "revoked_tokens", key: "jti", column: "expires"},
}

// Sweep implements store.Sweeper. Each table is a transaction of its own, so that
// nobody waits long; what has nothing to remove writes nothing.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := int64(0)
	for _, t := range swept {
		past := now.Add(-t.keep).Unix()
		if t.milliseconds {
			past = now.Add(-t.keep).UnixMilli()
		}
		q := `DELETE FROM ` + t.table + ` WHERE ` + t.key + ` IN (SELECT ` + t.key + ` FROM ` + t.table +
			` WHERE ` + t.column + ` <= ? ORDER BY ` + t.column + ` LIMIT ?)`
		n, err := affected(s.write.ExecContext(ctx, q, past, sweepLimit-removed))
		if err != nil {
			return int(removed), fmt.Errorf("sweep %s: %w", t.table, err)
		}
		if n > 0 {
			s.writes.Add(1)
		}
		if removed += n; removed >= sweepLimit {
			break
		}
	}
	return int(removed), nil
}
