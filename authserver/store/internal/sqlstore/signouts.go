package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	// signOutsOf is for other statements too: a person's column and a parenthesis follow.
	// So what is read and how often its person was signed out are of one moment, and no
	// question more.
	signOutsOf = `(SELECT coalesce(max(signouts.count), 0) FROM signouts WHERE signouts.subject = `

	readSignOuts = `SELECT ` + signOutsOf + `$1)`
	// A mark that is there already changes nothing. A sign-out without one leaves it.
	signOut = `INSERT INTO signouts (subject, count, at, mark) VALUES ($1, 1, $2, $3) ON CONFLICT (subject) DO UPDATE
		SET count = signouts.count + 1, at = CASE WHEN signouts.at < excluded.at THEN excluded.at ELSE signouts.at END,
			mark = CASE WHEN excluded.mark = '' THEN signouts.mark ELSE excluded.mark END
		WHERE excluded.mark = '' OR signouts.mark <> excluded.mark`
	endSessions = `DELETE FROM sessions WHERE subject = $1`
)

// SignOuts implements store.Sessions.
func (r *Roles) SignOuts(ctx context.Context, subject string) (int64, error) {
	n, err := one(ctx, r.db, integer, readSignOuts, subject)
	if err != nil {
		return 0, fmt.Errorf("read how often somebody was signed out: %w", err)
	}
	return n, nil
}

// SignOut implements store.Sessions. Of one person they wait for each other, at the row
// that is written first.
func (r *Roles) SignOut(ctx context.Context, subject, mark string, now time.Time) (ended store.Ended, err error) {
	if subject == "" { // an empty filter member chooses everybody
		return store.Ended{}, fmt.Errorf("sign out: nobody is named")
	}
	_, err = r.db.Durably(ctx, func(tx Tx) error {
		signedOut, err := tx.Exec(ctx, signOut, subject, now.Unix(), mark)
		if err == nil && signedOut == 0 {
			err = ErrNothing
		}
		if err != nil {
			return err
		}
		sessions, err := tx.Exec(ctx, endSessions, subject)
		if err != nil {
			return err
		}
		_, families, err := r.revoke(ctx, tx, store.FamilyFilter{Subject: subject}, now)
		ended = store.Ended{Sessions: int(sessions), Families: int(families)}
		return err
	})
	if err != nil && !errors.Is(err, ErrNothing) {
		return store.Ended{}, fmt.Errorf("sign out: %w", err)
	}
	return ended, nil
}
