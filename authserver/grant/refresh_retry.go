package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// A client that loses the answer to a refresh sends the same token again, and the workers of
// one client may all send it at once. Within the retry window
//
//   - a confidential client gets the current token for every token that it used in that
//     time: whoever stole one cannot authenticate;
//   - a public client gets the current token for its predecessor, until the current one is
//     used. A thief who follows its refreshes could do that too, again and again: when tokens
//     of maxRetries generations in a row came a second time, the family ends.
//
// Neither the network nor the user agent tells a thief from the client: phones change both.
const (
	maxRetries = 3
	// maxRotations bounds a family's record. A confidential client that refreshes more often
	// within the window keeps its current token for a while.
	maxRotations = 32
)

// use is what a token is in its family.
type use int

const (
	reused use = iota
	ahead
	current
	retried
)

// judge is check 6. A generation that the family has not reached is a sign of a
// store that was set back; that ends the family too.
func judge(f store.Family, t presentedToken, r Request) use {
	behind := f.Generation - t.Generation
	switch {
	case behind < 0:
		return ahead
	case behind == 0 && r.Keys.Match(f.Current, t.text.Reveal()):
		return current
	case behind == 0, behind > int64(len(openRotations(f, r))):
		return reused
	case r.Client.Public() && withRetry(f.Retries, t.Generation).InRow >= maxRetries:
		return reused
	case !isAncestor(f, t, r):
		return reused
	}
	return retried
}

// openRotations are those of the family's rotations whose retry window is open; of a public
// client at most the last one.
func openRotations(f store.Family, r Request) []store.Rotation {
	open := f.Rotations
	for len(open) > 0 && !r.Now.Before(time.Unix(open[0].At, 0).Add(r.Terms.RefreshRetryWindow)) {
		open = open[1:]
	}
	if r.Client.Public() && len(open) > 1 {
		open = open[len(open)-1:]
	}
	return open[:len(open):len(open)]
}

// withRetry counts a generation whose token came again.
func withRetry(all store.Retries, generation int64) store.Retries {
	switch generation {
	case all.Generation:
		return all
	case all.Generation + 1:
		return store.Retries{Generation: generation, InRow: all.InRow + 1}
	}
	return store.Retries{Generation: generation, InRow: 1}
}

// newest derives the family's current token from one before it.
func newest(f store.Family, t presentedToken, r Request) (text credential.Secret, err error) {
	next := t.RefreshToken
	for _, rotation := range f.Rotations[int64(len(f.Rotations))-(f.Generation-t.Generation):] {
		if next, text, err = r.Keys.Successor(next, rotation.Key); err != nil {
			return "", noSuccessor(err)
		}
	}
	return text, nil
}

// isAncestor tells whether the current token was derived from this one. It is also true if a
// server key is gone, so that this cannot be told: nothing is given for the token then, and
// the family lives.
func isAncestor(f store.Family, t presentedToken, r Request) bool {
	text, err := newest(f, t, r)
	return err != nil || r.Keys.Match(f.Current, text.Reveal())
}

func noSuccessor(err error) error {
	if errors.Is(err, credential.ErrFamilyWornOut) || errors.Is(err, credential.ErrServerKeyGone) {
		return unknownRefreshToken(err)
	}
	return fmt.Errorf("making the successor of a refresh token: %w", err)
}

// again gives the current token once more. Of a public client it is written that it asked.
func (g RefreshToken) again(ctx context.Context, f store.Family, t presentedToken, r Request) (store.Family, credential.Secret, error) {
	text, err := newest(f, t, r)
	if err != nil || !r.Client.Public() || f.Retries.Generation == t.Generation {
		return f, text, err
	}
	f.Retries = withRetry(f.Retries, t.Generation)
	if err := g.Families.AdvanceFamily(ctx, f.Generation, f); err != nil {
		return f, "", fmt.Errorf("noting that a refresh token came again: %w", err) // may be ErrConflict
	}
	return f, text, nil
}
