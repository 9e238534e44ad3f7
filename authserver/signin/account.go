package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Account is what a person has allowed and where they are signed in.
type Account struct {
	Consents store.Consents
	Families store.Families
	Sessions Sessions
	// Issuer of the server.
	Issuer string
}

// App is a client with access.
type App struct {
	ClientID string
	// Access by resource.
	Access []Access
}

// Access is what an app may do at one resource.
type Access struct {
	Resource string
	// Scopes sorted: what was consented to, and what its tokens carry.
	Scopes []string
	// Since is when it was allowed first or widened last.
	Since time.Time
	// Until is when its last refresh token ends; zero: it holds none.
	Until time.Time
	// Places at which it was allowed (store.Consent.Place), sorted; none: everywhere.
	Places []string
}

// ErrUnknownSession: the person has no session of that id.
var ErrUnknownSession = errors.New("no such session")

// Apps lists the clients with access, by client id: those with a consent, and
// those that hold tokens without one, as trusted clients do.
func (a Account) Apps(ctx context.Context, subject string, now time.Time) ([]App, error) {
	consents, err := a.Consents.ConsentsOf(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("listing consents: %w", err)
	}
	families, err := a.Families.FamiliesOf(ctx, subject, now)
	if err != nil {
		return nil, fmt.Errorf("listing refresh token families: %w", err)
	}
	type key struct{ client, resource string }
	all := map[key]Access{}
	for _, c := range consents {
		k := key{c.ClientID, c.Resource}
		all[k] = all[k].merge(c.Scopes, c.Place, c.Granted, time.Time{})
	}
	for _, f := range families {
		for _, a := range f.Grant.Access {
			k := key{f.Grant.ClientID, a.Resource}
			all[k] = all[k].merge(a.Scopes, f.Grant.Place, f.Created, refreshUntil(f))
		}
	}
	byClient := map[string][]Access{}
	for k, access := range all {
		access.Resource = k.resource
		byClient[k.client] = append(byClient[k.client], access)
	}
	apps := make([]App, 0, len(byClient))
	for client, access := range byClient {
		slices.SortFunc(access, func(x, y Access) int { return cmp.Compare(x.Resource, y.Resource) })
		apps = append(apps, App{client, a.withoutRepetition(access)})
	}
	slices.SortFunc(apps, func(x, y App) int { return cmp.Compare(x.ClientID, y.ClientID) })
	return apps, nil
}

// withoutRepetition leaves out a consent at the issuer if the app has the same scopes, at the
// same places, at APIs: a consent at an API holds at the issuer too (authorize.Issuer.Allow).
func (a Account) withoutRepetition(all []Access) []Access {
	var atAPIs Access
	for _, at := range all {
		if at.Resource != a.Issuer {
			atAPIs.Scopes, atAPIs.Places = append(atAPIs.Scopes, at.Scopes...), append(atAPIs.Places, at.Places...)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(at Access) bool {
		return at.Resource == a.Issuer && at.Until.IsZero() && containsAll(atAPIs.Scopes, at.Scopes) && containsAll(atAPIs.Places, at.Places)
	})
}

func containsAll(list, wanted []string) bool {
	for _, s := range wanted {
		if !slices.Contains(list, s) {
			return false
		}
	}
	return true
}

func (a Access) merge(scopes []string, place string, since, until time.Time) Access {
	a.Scopes = merged(a.Scopes, scopes...)
	if place != "" {
		a.Places = merged(a.Places, place)
	}
	if a.Since.IsZero() || since.Before(a.Since) {
		a.Since = since
	}
	if until.After(a.Until) {
		a.Until = until
	}
	return a
}

// merged are both, sorted, each once.
func merged(list []string, more ...string) []string {
	all := append(slices.Clone(list), more...)
	slices.Sort(all)
	return slices.Compact(all)
}

// refreshUntil is when a family's refresh token ends; zero: it has none, only an access
// token.
func refreshUntil(f store.Family) time.Time {
	switch {
	case f.Current == "":
		return time.Time{}
	case f.IdleExpires.IsZero() || f.Expires.Before(f.IdleExpires):
		return f.Expires
	}
	return f.IdleExpires
}

// Withdraw takes an app's access away, for every resource: its consents, its
// refresh tokens, and with these its access tokens (A19). The person is asked about
// it from then on, also if it is trusted. The consents go first, so that nothing new is
// granted on their strength while the families end. A code that is on its way is worth
// nothing either: it is revoked with the families, and whoever exchanges one that was
// written later looks at the consents of that moment (grant.AuthorizationCode).
//
// It tells whether there was something to take away. After an error part of it may be
// done, and told; doing it again is right.
func (a Account) Withdraw(ctx context.Context, subject, clientID string, now time.Time) (bool, error) {
	if subject == "" || clientID == "" {
		return false, errors.New("withdrawing access: no person or no client named")
	}
	withdrawn, err := a.Consents.WithdrawConsents(ctx, subject, clientID, now)
	if err != nil {
		return false, fmt.Errorf("withdrawing consents: %w", err)
	}
	filter := store.FamilyFilter{Subject: subject, ClientID: clientID}
	revoked, err := a.Families.RevokeFamilies(ctx, filter, now)
	if err != nil {
		return withdrawn, fmt.Errorf("revoking refresh tokens: %w", err)
	}
	return withdrawn || revoked > 0, nil
}

// ActiveSessions lists where the person is signed in, the latest used first.
func (a Account) ActiveSessions(ctx context.Context, subject string, now time.Time) ([]store.Session, error) {
	sessions, err := a.Sessions.Store.SessionsOf(ctx, subject, now)
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	sessions = slices.DeleteFunc(sessions, func(s store.Session) bool { return a.Sessions.over(s, now) })
	slices.SortStableFunc(sessions, func(x, y store.Session) int {
		return cmp.Or(y.Seen.Compare(x.Seen), y.Expires.Compare(x.Expires), cmp.Compare(x.ID, y.ID))
	})
	return sessions, nil
}

// EndSession signs the person out at one browser. Apps keep their access, which
// Withdraw takes away: a command-line tool is not signed out with the browser.
// Somebody else's session is ErrUnknownSession.
func (a Account) EndSession(ctx context.Context, subject, id string) error {
	err := a.Sessions.Store.EndSession(ctx, subject, id)
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownSession
	}
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}
