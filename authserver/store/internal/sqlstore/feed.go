package sqlstore

import (
	"context"
	"fmt"

	"clientele.dev/clientele/authserver/store"
)

// goneSince: what was deleted and did not come back.
const goneSince = `SELECT DISTINCT kind, id FROM deletions AS d WHERE revision > $1
	AND NOT EXISTS (SELECT 1 FROM clients WHERE d.kind = 'client' AND client_id = d.id)
	AND NOT EXISTS (SELECT 1 FROM policies WHERE d.kind = 'policy' AND uid = d.id)`

// minRevision is below every revision, also one that was set by hand.
const minRevision = -1 << 63

// Changes implements store.Feed: one transaction, so one moment.
func (r *Roles) Changes(ctx context.Context, storeID string, since int64) (ch store.Changes, err error) {
	err = r.db.Snapshot(ctx, func(q Querier) error {
		is, err := bound(ctx, q, ``)
		if err != nil {
			return err
		}
		ch = store.Changes{StoreID: is.storeID, Revision: is.revision, Complete: is.complete}
		if storeID == is.storeID && since == is.revision && since >= is.floor {
			return nil
		}
		from := since
		if storeID != is.storeID || since <= 0 || since > is.revision || since < is.floor {
			ch.Full, from = true, minRevision
		}
		return r.readChanges(ctx, q, &ch, from)
	})
	if err != nil {
		return store.Changes{}, fmt.Errorf("read changes: %w", err)
	}
	return ch, nil
}

func (r *Roles) readChanges(ctx context.Context, q Querier, ch *store.Changes, since int64) (err error) {
	if ch.Clients, err = list(ctx, q, r.scanClient, clientsSince, since+1); err != nil {
		return err
	}
	if ch.Policies, err = list(ctx, q, r.scanPolicy, policiesSince, since+1); err != nil || ch.Full {
		return err
	}
	return q.Query(ctx, goneSince, []any{since}, func(row Scan) error {
		var kind, id string
		if err := row(&kind, &id); err != nil {
			return err
		}
		if kind == "client" {
			ch.DeletedClients = append(ch.DeletedClients, id)
		} else {
			ch.DeletedPolicies = append(ch.DeletedPolicies, id)
		}
		return nil
	})
}
