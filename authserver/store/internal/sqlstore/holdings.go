package sqlstore

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const holdingsOf = `SELECT
	(SELECT count(*) FROM families WHERE client_id = $1 AND revoked = 0 AND ends > $2),
	(SELECT count(DISTINCT subject) FROM consents WHERE client_id = $1)`

// Holdings implements store.Holders.
func (r *Roles) Holdings(ctx context.Context, clientID string, now time.Time) (store.Holdings, error) {
	h, err := one(ctx, r.db, func(row Scan) (h store.Holdings, err error) {
		err = row(&h.Families, &h.People)
		return h, err
	}, holdingsOf, clientID, now.Unix())
	if err != nil {
		return store.Holdings{}, fmt.Errorf("count what client %q holds: %w", clientID, err)
	}
	return h, nil
}
