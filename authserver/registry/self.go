package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registration"
	"clientele.dev/clientele/authserver/store"
)

// sweepAtOnce is how many clients a sweep removes at most.
const sweepAtOnce = 200

// SelfRegistration is a registration by anybody but a registrar.
type SelfRegistration struct {
	// Registration that was accepted; with the id of the client.
	Registration oauth.Registration
	// Secret and Token that the server made for it. Only their keyed hashes are
	// kept. An update uses Secret only where the client had none and needs one, and
	// never Token.
	Secret, Token credential.Secret
	// By is who registers; empty: anybody.
	By string
}

// RegisterSelf stores a new client. When it returns, the view serves it.
func (r *Registry) RegisterSelf(ctx context.Context, s SelfRegistration) (*Client, error) {
	return r.changeSelf(ctx, s.Registration.ClientID, func(keys credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
		change, _, err := registration.DecideSelf(r.selfRequest(keys, s), existing)
		return change, err
	})
}

// UpdateSelf replaces the registration of the client whose registration access
// token the caller presents (RFC 7592, Section 2.2). newSecret says that
// s.Secret is now a secret of the client. Errors: registration.NotHeld.
func (r *Registry) UpdateSelf(ctx context.Context, presented string, s SelfRegistration) (c *Client, newSecret bool, err error) {
	c, err = r.changeSelf(ctx, s.Registration.ClientID, func(keys credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
		req := r.selfRequest(keys, s)
		change, stored, err := registration.DecideSelfUpdate(req, holds(keys, presented), existing)
		newSecret = err == nil && slices.Contains(stored.Secrets, req.Secret)
		return change, err
	})
	return c, newSecret, err
}

// ReadSelf returns the client whose registration access token the caller presents. It
// reads memory only. Errors: registration.NotHeld.
func (r *Registry) ReadSelf(clientID, presented string) (*Client, error) {
	c, ok := r.Client(clientID)
	var hashes []string
	if ok && c.Self != nil && c.RegistrationToken != "" {
		hashes = []string{c.RegistrationToken}
	}
	switch held := r.keys().MatchAny(hashes, presented); {
	case !ok:
		return nil, registration.NotHeld().WithCause(ErrUnknownClient)
	case !held:
		return nil, registration.NotHeld()
	}
	return c, nil
}

// DeleteSelf removes the client whose registration access token the caller
// presents (RFC 7592, Section 2.3). Errors: registration.NotHeld.
func (r *Registry) DeleteSelf(ctx context.Context, clientID, presented string) error {
	_, err := r.changeSelf(ctx, clientID, func(keys credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
		return registration.DecideSelfDelete(holds(keys, presented), existing)
	})
	return err
}

// RevokeSelf removes a client that registered itself, for a registrar. existed
// says that there was one; a managed one is owner_mismatch.
func (r *Registry) RevokeSelf(ctx context.Context, clientID string) (existed bool, err error) {
	_, err = r.changeSelf(ctx, clientID, func(_ credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
		change, err := registration.DecideSelfRevoke(clientID, existing)
		existed = change.Delete != ""
		return change, err
	})
	return existed && err == nil, err
}

// NoteUse notes that a token was issued to a client. It writes only for clients
// that registered themselves, at most once a day; otherwise it takes no lock.
func (r *Registry) NoteUse(ctx context.Context, c *Client) error {
	if c.Self == nil || r.now().Sub(c.Self.Used) < registration.UsedEvery {
		return nil
	}
	_, err := r.changeSelf(ctx, c.ClientID, func(_ credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
		return registration.DecideSelfUsed(r.now(), existing), nil
	})
	return err
}

// SweepSelf removes clients that registered themselves and were never used since,
// for unused, or not any more, for idle; at most a few hundred at a time. It
// returns their ids.
func (r *Registry) SweepSelf(ctx context.Context, unused, idle time.Duration) ([]string, error) {
	now := r.now()
	var expired []string
	r.clients.Load().Range(func(id, c any) bool {
		if self := c.(*Client).Self; self != nil && registration.Expired(c.(*Client).Created, self.Used, now, unused, idle) {
			expired = append(expired, id.(string))
		}
		return len(expired) < sweepAtOnce
	})
	for i, id := range expired {
		_, err := r.changeSelf(ctx, id, func(_ credential.ServerKeys, existing registration.Existing) (store.ClientChange, error) {
			return registration.DecideSelfExpire(now, unused, idle, existing), nil
		})
		if err != nil {
			return expired[:i], err
		}
	}
	return expired, nil
}

// SelfRegistered lists clients that registered themselves, by id, from above
// after; more says that there are others behind them.
func (r *Registry) SelfRegistered(after string, limit int) (clients []*Client, more bool) {
	r.clients.Load().Range(func(id, c any) bool {
		if c.(*Client).Self != nil && id.(string) > after {
			clients = append(clients, c.(*Client))
		}
		return true
	})
	slices.SortFunc(clients, func(a, b *Client) int { return strings.Compare(a.ClientID, b.ClientID) })
	if len(clients) > limit {
		return clients[:limit], true
	}
	return clients, false
}

// changeSelf changes one client and returns it as it is served afterwards; nil if
// it is gone.
func (r *Registry) changeSelf(ctx context.Context, clientID string, decide func(credential.ServerKeys, registration.Existing) (store.ClientChange, error)) (*Client, error) {
	err := r.bound(ctx, func(keys credential.ServerKeys) error {
		_, err := r.changeClient(ctx, oauth.Registration{ClientID: clientID}, func(existing registration.Existing) (store.ClientChange, error) {
			return decide(keys, existing)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	c, _ := r.Client(clientID)
	return c, nil
}

func (r *Registry) selfRequest(keys credential.ServerKeys, s SelfRegistration) registration.SelfRequest {
	return registration.SelfRequest{
		Registration: s.Registration,
		Secret:       keys.Seal(credential.Hash(s.Secret.Reveal())),
		Token:        keys.Seal(credential.Hash(s.Token.Reveal())),
		By:           s.By,
		Now:          r.now(),
	}
}

func holds(keys credential.ServerKeys, presented string) registration.Matches {
	return func(sealed string) bool { return keys.Match(sealed, presented) }
}
