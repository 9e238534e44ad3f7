package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	// AdvanceFamily and FamilyByID are what a refresh is.
	AdvanceFamily = `UPDATE families SET generation = $3, revoked = $4, ends = $5, record = $6, mac = $7
		WHERE id = $1 AND generation = $2 AND revoked = 0`
	readFamilies = `SELECT id, generation, families.subject, client_id, revoked, record, mac, coalesce(signouts.count, 0), coalesce(signouts.at, 0)
		FROM families LEFT JOIN signouts ON signouts.subject = families.subject WHERE `
	FamilyByID = readFamilies + `id = $1`
	familiesOf = readFamilies + `families.subject = $1 AND revoked = 0 AND ends > $2 ORDER BY id`
)

// PutFamily implements store.Families.
func (r *Roles) PutFamily(ctx context.Context, f store.Family) error {
	record, err := f.Encode()
	if err != nil {
		return err
	}
	mac, err := r.signing.sign(familyRow, record, familyColumns(f.ID, f.Generation, f.Grant.Subject, f.Grant.ClientID)...)
	if err != nil {
		return err
	}
	g := f.Grant
	n, err := r.db.Exec(ctx, r.dialect.PutFamily, f.ID, f.Generation, seconds(f.Revoked), f.Ends(),
		g.Subject, g.ClientID, string(record), mac)
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("put family %q: %w", f.ID, err)
	}
	return nil
}

// Family implements store.Families.
func (r *Roles) Family(ctx context.Context, id string) (store.Family, error) {
	f, err := one(ctx, r.db, r.scanFamily, FamilyByID, id)
	if err != nil {
		return store.Family{}, fmt.Errorf("family %q: %w", id, err)
	}
	return f, nil
}

// AdvanceFamily implements store.Families in one statement.
func (r *Roles) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	record, err := next.Encode()
	if err != nil {
		return err
	}
	mac, err := r.signing.sign(familyRow, record, familyColumns(next.ID, next.Generation, next.Grant.Subject, next.Grant.ClientID)...)
	if err != nil {
		return err
	}
	n, err := r.db.Exec(ctx, AdvanceFamily, next.ID, from, next.Generation, seconds(next.Revoked), next.Ends(), string(record), mac)
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("advance family %q from generation %d: %w", next.ID, from, err)
	}
	return nil
}

// RevokeFamilies implements store.Families.
func (r *Roles) RevokeFamilies(ctx context.Context, filter store.FamilyFilter, now time.Time) (int, error) {
	if filter == (store.FamilyFilter{}) {
		return 0, nil
	}
	var families int64
	_, err := r.db.Durably(ctx, func(tx Tx) (err error) {
		var codes int64
		if codes, families, err = r.revoke(ctx, tx, filter, now); err == nil && codes+families == 0 {
			err = ErrNothing
		}
		return err
	})
	if err != nil && !errors.Is(err, ErrNothing) {
		return 0, fmt.Errorf("revoke families: %w", err)
	}
	return int(families), nil
}

// revoke what a filter chooses. Codes go first: a family that is being put at the same
// time is then refused, or there to be found.
func (r *Roles) revoke(ctx context.Context, tx Tx, filter store.FamilyFilter, now time.Time) (codes, families int64, err error) {
	if codes, err = r.revokeCodes(ctx, tx, filter, now); err != nil {
		return 0, 0, err
	}
	conditions, args := choose(filter, "id", now.Unix())
	families, err = tx.Exec(ctx, r.dialect.RevokeFamilies(conditions), args...)
	return codes, families, err
}

// pending is for how long after its expiry a code may still be about to become a
// family, in seconds: it was taken in its last moment and the request is slow.
const pending = 600

// revokeCodes of which no family was made yet. Older codes need no look.
func (r *Roles) revokeCodes(ctx context.Context, tx Tx, filter store.FamilyFilter, now time.Time) (int64, error) {
	conditions, args := choose(filter, "family_id", now.Unix(), now.Unix()-pending)
	return tx.Exec(ctx, r.dialect.RevokeCodes(conditions), args...)
}

// choose makes a condition of each member of the filter that is given. Its text
// is this function's; the values are parameters, behind those of args.
func choose(filter store.FamilyFilter, id string, args ...any) (string, []any) {
	var conditions strings.Builder
	for _, member := range []struct{ column, value string }{
		{id, filter.ID}, {"subject", filter.Subject}, {"client_id", filter.ClientID},
	} {
		if member.value != "" {
			args = append(args, member.value)
			conditions.WriteString(" AND " + member.column + " = $" + strconv.Itoa(len(args)))
		}
	}
	return conditions.String(), args
}

// FamiliesOf implements store.Families, in the order of their ids.
func (r *Roles) FamiliesOf(ctx context.Context, subject string, now time.Time) ([]store.Family, error) {
	found, err := list(ctx, r.db, r.scanLiving, familiesOf, subject, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list a person's families: %w", err)
	}
	return found, nil
}

func (r *Roles) scanFamily(row Scan) (store.Family, error) {
	var (
		id, record, mac     string
		subject, clientID   string
		generation, revoked int64
		signOuts, at        int64
	)
	if err := row(&id, &generation, &subject, &clientID, &revoked, &record, &mac, &signOuts, &at); err != nil {
		return store.Family{}, err
	}
	if err := r.signing.authentic(familyRow, id, mac, []byte(record), familyColumns(id, generation, subject, clientID)...); err != nil {
		return store.Family{}, err
	}
	f, err := store.DecodeFamily(id, generation, revoked, []byte(record))
	if err == nil && revoked == 0 && f.Grant.SignOuts != signOuts {
		f.Revoked = time.Unix(max(at, 1), 0).UTC() // 0: somebody deleted the row by hand
	}
	return f, err
}

// scanLiving leaves out what is revoked.
func (r *Roles) scanLiving(row Scan) (store.Family, error) {
	f, err := r.scanFamily(row)
	if err == nil && !f.Revoked.IsZero() {
		err = errLeftOut
	}
	return f, err
}

// familyColumns have the generation too: an older record would bring older hashes back.
// The subject and the client are what families are revoked by.
func familyColumns(id string, generation int64, subject, clientID string) []string {
	return []string{id, strconv.FormatInt(generation, 10), subject, clientID}
}
