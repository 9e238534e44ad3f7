package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	putCode = `INSERT INTO codes (hash, family_id, subject, client_id, expires, sweep, record, mac)
		VALUES ($1, $2, $3, $4, $5, $5, $6, $7)`
	// What was used is kept for a day, the longest life of an access token that was
	// made from it.
	takeCode = `UPDATE codes SET used = $2, sweep = CAST($2 AS BIGINT) + 86400
		WHERE hash = $1 AND used = 0 AND revoked = 0 AND expires > $2 RETURNING record, mac, ` + signOutsOf + `codes.subject)`
	readCode  = `SELECT record, mac, ` + signOutsOf + `codes.subject) FROM codes WHERE hash = $1 AND used = 0 AND revoked = 0 AND expires > $2`
	codeThere = `SELECT 1 FROM codes WHERE hash = $1`
	takeAgain = `UPDATE codes SET revoked = $2 WHERE hash = $1 AND (used <> 0 OR revoked <> 0) RETURNING record, mac, ` + signOutsOf + `codes.subject)`
)

// PutCode implements store.Codes.
func (r *Roles) PutCode(ctx context.Context, c store.Code) error {
	record, err := c.Encode()
	if err != nil {
		return err
	}
	mac, err := r.signing.sign(codeRow, record, c.Hash)
	if err != nil {
		return err
	}
	g := c.Grant
	_, err = r.db.Exec(ctx, putCode, c.Hash, c.FamilyID, g.Subject, g.ClientID, c.Expires.Unix(), string(record), mac)
	if err != nil {
		return fmt.Errorf("put a code: %w", err)
	}
	return nil
}

// Code implements store.Codes.
func (r *Roles) Code(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c, err := one(ctx, r.db, func(row Scan) (store.Code, error) {
		var record, mac string
		var signOuts int64
		if err := row(&record, &mac, &signOuts); err != nil {
			return store.Code{}, err
		}
		c, err := r.code(hash, mac, record)
		if err == nil && c.Grant.SignOuts != signOuts {
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
	var record, mac string
	var signOuts int64
	args := []any{hash, now.Unix()}
	used := false
	err := r.look(ctx, codeThere, hash)
	if err == nil {
		err = r.db.Returning(ctx, takeCode, args, &record, &mac, &signOuts)
		used = errors.Is(err, store.ErrNotFound)
	}
	if used {
		err = r.db.Returning(ctx, takeAgain, args, &record, &mac, &signOuts)
	}
	if err != nil {
		return store.Code{}, fmt.Errorf("take a code: %w", err)
	}
	c, err := r.code(hash, mac, record)
	if err == nil && (used || c.Grant.SignOuts != signOuts) {
		err = store.ErrUsed
	}
	return c, err
}

// code of a row. Its family is logged: the hash is a secret's.
func (r *Roles) code(hash, mac, record string) (store.Code, error) {
	c, err := store.DecodeCode(hash, []byte(record))
	if forged := r.signing.authentic(codeRow, c.FamilyID, mac, []byte(record), hash); forged != nil {
		return store.Code{}, forged
	}
	return c, err
}
