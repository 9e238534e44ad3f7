package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

const (
	// A family whose code was revoked never begins. The code is locked meanwhile, so
	// that whoever is revoking it is waited for, or waits and then finds the family.
	putFamily = `WITH code AS (SELECT revoked FROM codes WHERE family_id = $1 FOR SHARE)
		INSERT INTO families (id, generation, revoked, ends, subject, client_id, resource, session_id, record)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT EXISTS (SELECT 1 FROM code WHERE revoked <> 0)`
	advanceFamily = `UPDATE families SET generation = $3, revoked = $4, ends = $5, record = $6
		WHERE id = $1 AND generation = $2 AND revoked = 0`
	readFamilies = `SELECT id, generation, revoked, record FROM families WHERE `
)

// PutFamily implements store.Families.
func (s *Store) PutFamily(ctx context.Context, f store.Family) error {
	record, err := f.Encode()
	if err != nil {
		return err
	}
	g := f.Grant
	n, err := s.exec(ctx, putFamily, f.ID, f.Generation, seconds(f.Revoked), f.Ends(),
		g.Subject, g.ClientID, g.Resource, g.SessionID, string(record))
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("put family %q: %w", f.ID, err)
	}
	return nil
}

// Family implements store.Families.
func (s *Store) Family(ctx context.Context, id string) (store.Family, error) {
	f, err := one(ctx, s.pool, scanFamily, readFamilies+`id = $1`, id)
	if err != nil {
		return store.Family{}, fmt.Errorf("family %q: %w", id, err)
	}
	return f, nil
}

// AdvanceFamily implements store.Families in one statement.
func (s *Store) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	record, err := next.Encode()
	if err != nil {
		return err
	}
	n, err := s.exec(ctx, advanceFamily, next.ID, from, next.Generation, seconds(next.Revoked), next.Ends(), string(record))
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("advance family %q from generation %d: %w", next.ID, from, err)
	}
	return nil
}

// RevokeFamilies implements store.Families. Codes go first: a family that is being
// put at the same time is then refused, or there to be found.
func (s *Store) RevokeFamilies(ctx context.Context, filter store.FamilyFilter, now time.Time) (int, error) {
	if filter == (store.FamilyFilter{}) {
		return 0, nil
	}
	var families int64
	err := s.transact(ctx, func(tx pgx.Tx) error {
		codes, err := revokeCodes(ctx, tx, filter, now)
		if err != nil {
			return err
		}
		families, err = revokeFamilies(ctx, tx, filter, now)
		if err == nil && codes+families == 0 {
			err = errNothing
		}
		return err
	})
	if err != nil && !errors.Is(err, errNothing) {
		return 0, fmt.Errorf("revoke families: %w", err)
	}
	return int(families), nil
}

// pending is for how long after its expiry a code may still be about to become a
// family, in seconds: it was taken in its last moment and the request is slow.
const pending = 600

// revokeCodes of which no family was made yet. Older codes need no look. Rows are
// locked in one order, so that two revocations wait for each other in one place.
func revokeCodes(ctx context.Context, tx pgx.Tx, filter store.FamilyFilter, now time.Time) (int64, error) {
	where, args := choose(filter, "family_id", now.Unix(), now.Unix()-pending)
	tag, err := tx.Exec(ctx, `UPDATE codes SET revoked = $1 WHERE revoked = 0 AND hash IN (
		SELECT hash FROM codes WHERE revoked = 0 AND expires > $2
			AND NOT EXISTS (SELECT 1 FROM families WHERE families.id = codes.family_id)`+where+` ORDER BY hash FOR UPDATE)`, args...)
	return tag.RowsAffected(), err
}

func revokeFamilies(ctx context.Context, tx pgx.Tx, filter store.FamilyFilter, now time.Time) (int64, error) {
	where, args := choose(filter, "id", now.Unix())
	tag, err := tx.Exec(ctx, `UPDATE families SET revoked = $1, ends = least(ends, $1) WHERE revoked = 0 AND id IN (
		SELECT id FROM families WHERE revoked = 0`+where+` ORDER BY id FOR UPDATE)`, args...)
	return tag.RowsAffected(), err
}

// choose adds a condition for each member of the filter that is given. Its text
// is this function's; the values are parameters, behind those of args.
func choose(filter store.FamilyFilter, id string, args ...any) (string, []any) {
	var where strings.Builder
	for _, member := range []struct{ column, value string }{
		{id, filter.ID}, {"subject", filter.Subject}, {"client_id", filter.ClientID},
		{"resource", filter.Resource}, {"session_id", filter.SessionID},
	} {
		if member.value != "" {
			args = append(args, member.value)
			where.WriteString(" AND " + member.column + " = $" + strconv.Itoa(len(args)))
		}
	}
	return where.String(), args
}

// FamiliesOf implements store.Families, in the order of their ids.
func (s *Store) FamiliesOf(ctx context.Context, subject string, now time.Time) ([]store.Family, error) {
	found, err := list(ctx, s.pool, scanFamily, readFamilies+`subject = $1 AND revoked = 0 AND ends > $2 ORDER BY id`, subject, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list a person's families: %w", err)
	}
	return found, nil
}

func scanFamily(row pgx.CollectableRow) (store.Family, error) {
	var (
		id, record          string
		generation, revoked int64
	)
	if err := row.Scan(&id, &generation, &revoked, &record); err != nil {
		return store.Family{}, err
	}
	return store.DecodeFamily(id, generation, revoked, []byte(record))
}

// seconds since 1970; 0 for the zero time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
