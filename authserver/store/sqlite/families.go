package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const familyColumns = `id, generation, revoked, record`

const (
	// A family whose code was revoked never begins.
	putFamily = `INSERT INTO families (id, generation, revoked, ends, subject, client_id, resource, session_id, record)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
		WHERE NOT EXISTS (SELECT 1 FROM codes WHERE family_id = ?1 AND revoked <> 0)`
	advanceFamily = `UPDATE families SET generation = ?3, revoked = ?4, ends = ?5, record = ?6
		WHERE id = ?1 AND generation = ?2 AND revoked = 0`
	readFamily = `SELECT ` + familyColumns + ` FROM families WHERE id = ?`
	familiesOf = `SELECT ` + familyColumns + ` FROM families WHERE subject = ? AND revoked = 0 AND ends > ? ORDER BY id`
)

// PutFamily implements store.Families.
func (s *Store) PutFamily(ctx context.Context, f store.Family) error {
	record, err := f.Encode()
	if err != nil {
		return err
	}
	g := f.Grant
	n, err := s.exec(ctx, s.statements.putFamily, f.ID, f.Generation, seconds(f.Revoked), f.Ends(),
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
	f, err := one(ctx, s.statements.family, []any{id}, scanFamily)
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
	n, err := s.exec(ctx, s.statements.advanceFamily, next.ID, from, next.Generation, seconds(next.Revoked), next.Ends(), string(record))
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("advance family %q from generation %d: %w", next.ID, from, err)
	}
	return nil
}

// RevokeFamilies implements store.Families.
func (s *Store) RevokeFamilies(ctx context.Context, filter store.FamilyFilter, now time.Time) (int, error) {
	if filter == (store.FamilyFilter{}) {
		return 0, nil
	}
	var families int64
	err := s.durably(ctx, func(tx *sql.Tx) error {
		codes, err := revokeCodes(ctx, tx, filter, now)
		if err != nil {
			return err
		}
		where, args := choose(filter, "id", now.Unix())
		families, err = affected(tx.ExecContext(ctx, `UPDATE families SET revoked = ?1, ends = min(ends, ?1) WHERE revoked = 0`+where, args...))
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

// revokeCodes of which no family was made yet. Older codes need no look.
func revokeCodes(ctx context.Context, tx *sql.Tx, filter store.FamilyFilter, now time.Time) (int64, error) {
	where, args := choose(filter, "family_id", now.Unix(), now.Unix()-pending)
	return affected(tx.ExecContext(ctx, `UPDATE codes SET revoked = ?1 WHERE revoked = 0 AND expires > ?2
		AND NOT EXISTS (SELECT 1 FROM families WHERE families.id = codes.family_id)`+where, args...))
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
			where.WriteString(" AND " + member.column + " = ?" + strconv.Itoa(len(args)))
		}
	}
	return where.String(), args
}

// FamiliesOf implements store.Families, in the order of their ids.
func (s *Store) FamiliesOf(ctx context.Context, subject string, now time.Time) ([]store.Family, error) {
	found, err := list(ctx, s.statements.familiesOf, []any{subject, now.Unix()}, scanFamily)
	if err != nil {
		return nil, fmt.Errorf("list a person's families: %w", err)
	}
	return found, nil
}

func scanFamily(rows *sql.Rows) (store.Family, error) {
	var (
		id, record          string
		generation, revoked int64
	)
	if err := rows.Scan(&id, &generation, &revoked, &record); err != nil {
		return store.Family{}, err
	}
	return store.DecodeFamily(id, generation, revoked, []byte(record))
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// seconds since 1970; 0 for the zero time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
