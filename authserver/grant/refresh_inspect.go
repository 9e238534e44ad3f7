package grant

import (
	"context"
	"errors"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// RefreshState is what a refresh token is good for at this moment.
type RefreshState struct {
	Family store.Family
	// Rights that the next access token would have, at each resource.
	Rights []UserRight
	// Expires is when the token ends unless it is used before.
	Expires time.Time
}

// Inspect says what Issue would make of a refresh token, and changes nothing, not
// even where the token is reused. Only the newest token of a family is good here;
// that its predecessor still gives it once more is no reason to keep that one. What
// Issue would refuse is an *oauth.Error other than temporarily_unavailable; that one,
// and any other error, is an outage.
func (g RefreshToken) Inspect(ctx context.Context, text string, r Request) (RefreshState, error) {
	if err := Allowed(r.Client, g.Type()); err != nil {
		return RefreshState{}, err
	}
	t, err := parseRefreshToken(text, r)
	if err != nil {
		return RefreshState{}, err
	}
	f, err := g.family(ctx, t, r)
	if err != nil {
		return RefreshState{}, err
	}
	if judge(f, t, r) != current {
		return RefreshState{}, unknownRefreshToken(errors.New("it is not the newest of its family"))
	}
	if err := stillWelcome(g.Users, r.Client, f.Grant); err != nil {
		return RefreshState{}, err
	}
	now, err := g.present(ctx, f, r)
	if err != nil {
		return RefreshState{}, err
	}
	rights, err := now.everywhere(ctx, f.Grant, r)
	if err != nil {
		return RefreshState{}, err
	}
	return RefreshState{Family: f, Rights: rights, Expires: ends(f, r)}, nil
}

// ends is when the newest token of a family ends unless it is used.
func ends(f store.Family, r Request) time.Time {
	_, idle := lifetimes(f, r, f.Rotated) // never later than the absolute end
	if f.IdleExpires.Before(idle) {
		return f.IdleExpires
	}
	return idle
}
