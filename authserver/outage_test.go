package authserver_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/store"
)

// unreadable is a store that cannot tell of families and revoked tokens.
type unreadable struct {
	store.Store
	down *atomic.Bool
}

var errDown = errors.New("connection refused by 10.0.0.7")

func (u unreadable) Family(ctx context.Context, id string) (store.Family, error) {
	if u.down.Load() {
		return store.Family{}, errDown
	}
	return u.Store.Family(ctx, id)
}

func (u unreadable) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	if u.down.Load() {
		return false, errDown
	}
	return u.Store.TokenRevoked(ctx, jti)
}

func (u unreadable) RevokeToken(ctx context.Context, jti string, expires time.Time) error {
	if u.down.Load() {
		return errDown
	}
	return u.Store.RevokeToken(ctx, jti, expires)
}

// TestAnOutageIsNoAnswerAboutAToken: a resource server must not believe that a
// token was revoked, nor an app that it has revoked one (RFC 7009, Section 2.2.1).
func TestAnOutageIsNoAnswerAboutAToken(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		var down atomic.Bool
		on = open(on)
		on.Wrap = func(s store.Store) store.Store { return unreadable{s, &down} }
		w := peopleAt(t, authtest.Start(t, on))
		access, refresh := w.tokens(t, w.app, "resource", api)
		machine := w.MustToken(t, w.machine, "resource", api)
		down.Store(true)
		for rule, a := range map[string]authtest.Answer{
			"introspect":                 w.postAs(t, w.rs, "/oauth/introspect", "token", access),
			"introspect a machine's":     w.postAs(t, w.rs, "/oauth/introspect", "token", machine),
			"introspect a refresh token": w.postAs(t, w.app, "/oauth/introspect", "token", refresh),
			"userinfo":                   w.userinfo(t, access),
			"revoke":                     w.postAs(t, w.app, "/oauth/revoke", "token", refresh),
			"revoke a machine's":         w.postAs(t, w.machine, "/oauth/revoke", "token", machine),
			"revoke, seed 1":             w.post(t, "/oauth/revoke", "token", refresh),
		} {
			if a.Status < 500 || a.JSON()["active"] != nil || a.Member("error_description") == "" || strings.Contains(a.Body, "10.0.0.7") {
				t.Errorf("%s: %d %s", rule, a.Status, a.Body)
			}
		}
		if a := w.postAs(t, w.app, "/oauth/revoke", "token", refresh); a.Status != 503 || a.Header.Get("Retry-After") == "" {
			t.Errorf("revoke: %d %v", a.Status, a.Header)
		}
		down.Store(false)
		if !w.active(t, w.rs, access) || !w.refreshes(t, w.app, refresh) {
			t.Error("an outage ended a token")
		}
	})
}
