package postgres

import (
	"context"
	"fmt"
	"time"
)

// sweepLimit is how many records a Sweep removes at most.
const sweepLimit = 1000

// swept says for each table which rows are past. $1 is now in Unix seconds.
var swept = []struct{ table, key, past, order string }{
	{"codes", "hash", "sweep <= $1::bigint", "sweep"},
	// A family's last access token may outlive it, by a day at most. The first condition has an index.
	{"families", "id", "ends_day <= ($1::bigint - 86400) / 86400 AND ends <= $1::bigint - 86400", "ends_day"},
	{"sessions", "id", "expires <= $1::bigint", "expires"},
	{"attempts", "key", "expires <= $1::bigint * 1000", "expires"},
	{"pushed_requests", "hash", "expires <= $1::bigint", "expires"},
	{"revoked_tokens", "jti", "expires <= $1::bigint", "expires"},
}

// Sweep implements store.Sweeper. Each table is a transaction of its own. Replicas
// may sweep at once: what one has locked the others leave to it.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	removed := int64(0)
	for _, t := range swept {
		q := `DELETE FROM ` + t.table + ` WHERE ` + t.key + ` IN (SELECT ` + t.key + ` FROM ` + t.table +
			` WHERE ` + t.past + ` ORDER BY ` + t.order + ` LIMIT $2 FOR UPDATE SKIP LOCKED)`
		n, err := s.exec(ctx, q, now.Unix(), sweepLimit-removed)
		if err != nil {
			return int(removed), fmt.Errorf("sweep %s: %w", t.table, err)
		}
		if removed += n; removed >= sweepLimit {
			break
		}
	}
	return int(removed), nil
}
