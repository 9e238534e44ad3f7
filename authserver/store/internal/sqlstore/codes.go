package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	putCode = `INSERT INTO codes (hash, family_id, subject, client_id, expires, sweep, record, mac)
		VALUES ($1, $2, $3, $4, $5, $5, $6, $7)`
	// What was used is kept for a day, the longest life of an access token that was
	// made from it.
	takeCode = `UPDATE codes SET used = $2, sweep = CAST($2 AS BIGINT) + 86400
		WHERE hash = $1 AND used = 0 AND revoked = 0 AND expires > $2 RETURNING ` + columnsOfCode
	readCode  = `SELECT ` + columnsOfCode + ` FROM codes WHERE hash = $1 AND used = 0 AND revoked = 0 AND expires > $2`
	codeThere = `SELECT 1 FROM codes WHERE hash = $1`
	takeAgain = `UPDATE codes SET revoked = $2 WHERE hash = $1 AND (used <> 0 OR revoked <> 0) RETURNING ` + columnsOfCode

	// columnsOfCode are the columns that codeColumns.into scans.
	columnsOfCode = `family_id, subject, client_id, expires, record, mac, ` + signOutsOf + `codes.subject)`
)

// PutCode implements store.Codes.
func (r *Roles) PutCode(ctx context.Context, c store.Code) error {
	record, err := c.Encode()
	if err != nil {
		return err
	}
	row := codeColumns{family: c.FamilyID, subject: c.Grant.Subject, client: c.Grant.ClientID, expires: c.Expires.Unix()}
	mac, err := r.signing.sign(codeRow, record, row.signed(c.Hash)...)
	if err != nil {
		return err
	}
	_, err = r.db.Exec(ctx, putCode, c.Hash, row.family, row.subject, row.client, row.expires, string(record), mac)
	if err != nil {
		return fmt.Errorf("put a code: %w", err)
	}
	return nil
}

// Code implements store.Codes.
func (r *Roles) Code(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c, err := one(ctx, r.db, func(row Scan) (store.Code, error) {
		var is codeColumns
		if err := row(is.into()...); err != nil {
			return store.Code{}, err
		}
		c, err := r.code(hash, is)
		if err == nil && c.Grant.SignOuts != is.signOuts {
			err = errLeftOut
		}
		return c, err
	}, readCode, hash, now.Unix())
	if err != nil {
		return store.Code{}, fmt.Errorf("read a code: %w", err)
	}
	return c, nil
}

// TakeCode implements store.Codes: one statement decides who it is. One of before a
// sign-out is taken as well, by nobody; so is one that cannot be verified yet, for which
// callers read it first.
func (r *Roles) TakeCode(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	var is codeColumns
	args := []any{hash, now.Unix()}
	used := false
	err := r.look(ctx, codeThere, hash)
	if err == nil {
		err = r.db.Returning(ctx, takeCode, args, is.into()...)
		used = errors.Is(err, store.ErrNotFound)
	}
	if used {
		err = r.db.Returning(ctx, takeAgain, args, is.into()...)
	}
	if err != nil {
		return store.Code{}, fmt.Errorf("take a code: %w", err)
	}
	c, err := r.code(hash, is)
	if err == nil && (used || c.Grant.SignOuts != is.signOuts) {
		err = store.ErrUsed
	}
	return c, err
}

// code of a row. Its family is logged: the hash is a secret's.
func (r *Roles) code(hash string, is codeColumns) (store.Code, error) {
	c, err := store.DecodeCode(hash, []byte(is.record))
	if forged := r.signing.authentic(codeRow, c.FamilyID, is.mac, []byte(is.record), is.signed(hash)...); forged != nil {
		return store.Code{}, forged
	}
	return c, err
}

// codeColumns are the columns of a code beside its hash.
type codeColumns struct {
	family, subject, client string
	expires                 int64
	record, mac             string
	signOuts                int64
}

// into is where a row with columnsOfCode is scanned.
func (c *codeColumns) into() []any {
	return []any{&c.family, &c.subject, &c.client, &c.expires, &c.record, &c.mac, &c.signOuts}
}

// signed are the columns that are authenticated: which code it is, how long it is valid,
// and by what it is revoked.
func (c *codeColumns) signed(hash string) []string {
	return []string{hash, c.family, c.subject, c.client, strconv.FormatInt(c.expires, 10)}
}
