package authserver_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// refused checks for an OAuth error.
func refused(t *testing.T, what string, a authtest.Answer, code string) {
	t.Helper()
	if a.Error() != code || a.Member("access_token") != "" {
		t.Errorf("%s: %d %s, want %s", what, a.Status, a.Body, code)
	}
	if a.Status == http.StatusBadRequest && a.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("%s: WWW-Authenticate on a 400", what)
	}
}

// familyRevoked says whether the family of an access token is revoked, which is
// what introspection and userinfo ask.
func (w *world) familyRevoked(t *testing.T, accessToken string) bool {
	t.Helper()
	return !w.family(t, accessToken).Revoked.IsZero()
}

// family is the one that an access token names.
func (w *world) family(t *testing.T, accessToken string) store.Family {
	t.Helper()
	c, err := token.NewVerifier(w.Signing, w.Issuer).Access(accessToken, w.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	id, ok := tokenstatus.FamilyOf(c.JTI)
	if !ok {
		t.Fatalf("the jti %q names no family", c.JTI)
	}
	f, err := w.Store.Family(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestA4SixtyFourParallelRefreshesHaveOneSuccessor(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		first := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada")).Member("refresh_token")
		next := oneSuccessor(t, first, func(int) authtest.Answer { return w.Refresh(t, w.public, first) })
		if a := w.Refresh(t, w.public, next); a.Status != http.StatusOK {
			t.Errorf("the successor: %s", a.Body)
		}
	})
}

// oneSuccessor uses a refresh token 64 times at once and returns its only successor.
func oneSuccessor(t *testing.T, first string, refresh func(i int) authtest.Answer) string {
	t.Helper()
	var mu sync.Mutex
	successors := map[string]int{}
	parallel(64, func(i int) {
		a := refresh(i)
		mu.Lock()
		defer mu.Unlock()
		successors[a.Member("refresh_token")]++
		if a.Status != http.StatusOK {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	if len(successors) != 1 || successors[first] != 0 {
		t.Fatalf("%d different successors", len(successors))
	}
	return slices.Collect(maps.Keys(successors))[0]
}

// withNewerKey adds a second version.
func withNewerKey(k credential.ServerKeys, now time.Time) credential.ServerKeys {
	k.Keys = append(k.Keys[:1:1], credential.ServerKey{Version: 2, Key: []byte(strings.Repeat("k", 32)), Created: now})
	return k
}

func TestRefreshRotation(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		begin := func() (first, second authtest.Answer) {
			first = w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada"))
			second = w.Refresh(t, w.public, first.Member("refresh_token"))
			if second.Status != http.StatusOK || second.Member("refresh_token") == first.Member("refresh_token") || second.Member("scope") != first.Member("scope") {
				t.Fatalf("refresh: %s", second.Body)
			}
			return first, second
		}
		t.Run("a retry within the window gives the same successor, also after a key was added", func(t *testing.T) {
			first, second := begin()
			w.ServerKeys = withNewerKey(w.ServerKeys, w.Clock.Now())
			w.Pass(t, 29*time.Second)
			if again := w.Refresh(t, w.public, first.Member("refresh_token")); again.Member("refresh_token") != second.Member("refresh_token") {
				t.Errorf("retry: %s", again.Body)
			}
			if third := w.Refresh(t, w.public, second.Member("refresh_token")); third.Status != http.StatusOK {
				t.Errorf("after the retry: %s", third.Body)
			} else if f := w.family(t, third.Member("access_token")); f.Rotations[len(f.Rotations)-1].Key != 2 || f.Generation != 3 {
				t.Errorf("generation %d is derived with key %d, want the newest, or the old one could never go", f.Generation, f.Rotations[len(f.Rotations)-1].Key)
			}
		})
		t.Run("later reuse ends the family", func(t *testing.T) {
			first, second := begin()
			w.Pass(t, 30*time.Second)
			refused(t, "reuse", w.Refresh(t, w.public, first.Member("refresh_token")), "invalid_grant")
			refused(t, "the rightful one", w.Refresh(t, w.public, second.Member("refresh_token")), "invalid_grant")
			if !w.familyRevoked(t, second.Member("access_token")) {
				t.Error("the access token is good still")
			}
		})
		t.Run("reuse of an older one ends the family within the window as well", func(t *testing.T) {
			first, second := begin()
			third := w.Refresh(t, w.public, second.Member("refresh_token"))
			refused(t, "reuse", w.Refresh(t, w.public, first.Member("refresh_token")), "invalid_grant")
			refused(t, "the current one", w.Refresh(t, w.public, third.Member("refresh_token")), "invalid_grant")
		})
		t.Run("a store that was set back is told from reuse", func(t *testing.T) {
			first := w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada"))
			backup := w.family(t, first.Member("access_token"))
			second := w.Refresh(t, w.public, first.Member("refresh_token"))
			if err := w.Store.AdvanceFamily(t.Context(), 2, backup); err != nil {
				t.Fatal(err)
			}
			before := strings.Count(w.Log.String(), "token.reused")
			refused(t, "ahead of the store", w.Refresh(t, w.public, second.Member("refresh_token")), "invalid_grant")
			if !w.familyRevoked(t, second.Member("access_token")) {
				t.Error("the family goes on")
			}
			if log := w.Log.String(); !strings.Contains(log, "token.ahead") || strings.Count(log, "token.reused") != before {
				t.Error("the audit log does not tell it from reuse")
			}
		})
		t.Run("A13: garbage ends nothing", func(t *testing.T) {
			_, second := begin()
			good := second.Member("refresh_token")
			for _, bad := range []string{good[:len(good)-1], good + "A", good + " ", strings.ToUpper(good), "x", good[:20] + "AAAA" + good[24:]} {
				refused(t, "garbage", w.Refresh(t, w.public, bad), "invalid_grant")
			}
			refused(t, "nothing", w.Refresh(t, w.public, ""), "invalid_request")
			if a := w.Refresh(t, w.public, good); a.Status != http.StatusOK {
				t.Errorf("the good one: %s", a.Body)
			}
		})
		t.Run("down-scoping, and back", func(t *testing.T) {
			_, second := begin()
			less := w.Refresh(t, w.public, second.Member("refresh_token"), "scope", "orders.read")
			if less.Member("scope") != "orders.read" || less.Member("id_token") != "" {
				t.Fatalf("down-scoped: %s", less.Body)
			}
			refused(t, "more than granted", w.Refresh(t, w.public, less.Member("refresh_token"), "scope", "orders.read payroll"), "invalid_scope")
			refused(t, "another resource", w.Refresh(t, w.public, less.Member("refresh_token"), "resource", "https://payroll.example"), "invalid_target")
			all := w.Refresh(t, w.public, less.Member("refresh_token"), "resource", orders)
			if all.Member("scope") != second.Member("scope") {
				t.Errorf("back to all: %s", all.Body)
			}
			if got := claims(t, w.Issuer, orders, all.Member("access_token")); got["aud"] != orders {
				t.Errorf("aud %v after refresh", got["aud"])
			}
			if got := claims(t, w.Issuer, "apps.public", all.Member("id_token")); got["nonce"] != nil || got["auth_time"] == nil {
				t.Errorf("id token after refresh: %v", got)
			}
		})
		t.Run("a public client may leave its client_id out, a confidential one not", func(t *testing.T) {
			_, second := begin()
			form := "grant_type=refresh_token&refresh_token="
			post := func(body string) authtest.Answer {
				return w.Do(t, http.MethodPost, "/oauth/token", body, "Content-Type", "application/x-www-form-urlencoded")
			}
			if a := post(form + second.Member("refresh_token")); a.Status != http.StatusOK {
				t.Errorf("public: %s", a.Body)
			}
			confidential := w.MustExchange(t, w.web, w.Code(t, b, w.web, "ada")).Member("refresh_token")
			refused(t, "confidential", post(form+confidential), "invalid_client")
			refused(t, "garbage", post(form+"garbage"), "invalid_grant")
			if a := w.Refresh(t, w.web, confidential); a.Status != http.StatusOK {
				t.Errorf("confidential, authenticated: %s", a.Body)
			}
		})
	})
}

// TestRefreshStaysWithinItsGrant: what the person allowed the app since then, in
// another grant, is not this refresh token's (RFC 6749, Section 6).
func TestRefreshStaysWithinItsGrant(t *testing.T) {
	w := users(t, authtest.Config{})
	skips := w.MustRegister(t, authtest.NewClient("skips", authtest.WithCode("orders.read orders.write", orders), withPost, trusted))
	for rule, c := range map[string]authtest.Client{"asked twice": w.web, "trusted": skips} {
		b := w.NewBrowser(t)
		refresh := w.MustExchange(t, c, w.Code(t, b, c, "ada", "scope", "orders.read")).Member("refresh_token")
		w.Code(t, b, c, "ada", "scope", "orders.write")
		refused(t, rule, w.Refresh(t, c, refresh, "scope", "orders.write"), "invalid_scope")
		refused(t, rule, w.Refresh(t, c, refresh, "scope", "orders.read orders.write"), "invalid_scope")
		if a := w.Refresh(t, c, refresh); a.Member("scope") != "orders.read" {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
}

// TestLivingFamiliesAreNeverLengthened by a setting, only shortened.
func TestLivingFamiliesAreNeverLengthened(t *testing.T) {
	w := users(t, authtest.Config{Settings: endpoint.Settings{RefreshLifetime: time.Hour, RefreshIdle: time.Hour}})
	refresh := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada")).Member("refresh_token")
	w.Settings.RefreshLifetime, w.Settings.RefreshIdle = 3*time.Hour, 3*time.Hour
	w.Reload(t)
	w.Pass(t, 59*time.Minute)
	a := w.Refresh(t, w.public, refresh)
	if a.JSON()["expires_in"] != 60.0 {
		t.Fatalf("a minute before its end: %d %s", a.Status, a.Body)
	}
	w.Pass(t, time.Minute)
	refused(t, "after its hour", w.Refresh(t, w.public, a.Member("refresh_token")), "invalid_grant")
}

func TestRefreshLifetimes(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		on.Settings.RefreshLifetime, on.Settings.RefreshIdle = time.Hour, 20*time.Minute
		w := users(t, on)
		b := w.NewBrowser(t)
		begin := func() string {
			return w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada")).Member("refresh_token")
		}
		idle, used := begin(), begin()
		for range 3 {
			w.Pass(t, 19*time.Minute)
			a := w.Refresh(t, w.public, used)
			if a.Status != http.StatusOK {
				t.Fatalf("used within the idle time: %s", a.Body)
			}
			used = a.Member("refresh_token")
		}
		refused(t, "not used for 57 minutes", w.Refresh(t, w.public, idle), "invalid_grant")
		if a := w.Refresh(t, w.public, used); a.JSON()["expires_in"] != 180.0 {
			t.Errorf("three minutes before the end: %s", a.Body)
		} else {
			used = a.Member("refresh_token")
		}
		w.Pass(t, 3*time.Minute)
		refused(t, "after an hour", w.Refresh(t, w.public, used), "invalid_grant")
	})
}

func TestA4A19WhatEndedStopsRefreshingAtOnce(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		for _, c := range []struct {
			rule   string
			change func(t *testing.T, w *world)
			want   string
		}{
			{"disabled client", func(t *testing.T, w *world) { w.reregister(t, func(m *oauth.Managed) { m.Disabled = true }) }, "invalid_client"},
			{"the resource is not the client's any more", func(t *testing.T, w *world) {
				w.reregister(t, func(m *oauth.Managed) { m.Resources = []string{"https://payroll.example"} })
			}, "invalid_grant"},
			{"a new incarnation of the client", func(t *testing.T, w *world) {
				w.Pass(t, 2*time.Second)
				w.reregister(t, func(m *oauth.Managed) { m.Owner.UID, m.Counter = "uid-new", 2 })
			}, "invalid_grant"},
			{"the client is removed and another gets its id", func(t *testing.T, w *world) {
				w.Pass(t, 2*time.Second)
				if a := w.Do(t, http.MethodDelete, "/oauth/register/apps.public?owner_namespace=apps&owner_name=public&owner_uid=uid-public&counter=1", "", "Authorization", "Bearer "+authtest.RegistrarToken); a.Status != http.StatusNoContent {
					t.Fatalf("delete: %d %s", a.Status, a.Body)
				}
				w.reregister(t, func(m *oauth.Managed) { m.Owner.UID, m.Generation = "uid-other", 1 })
			}, "invalid_grant"},
			{"disabled user", func(t *testing.T, w *world) {
				w.SetUsers(t, authtest.Person{Username: "ada", Roles: []string{"admin"}, Disabled: true})
			}, "invalid_grant"},
			{"A11 a password that was reset", func(t *testing.T, w *world) {
				w.SetUsers(t, authtest.Person{Username: "ada", Roles: []string{"admin"}, Password: "another"})
			}, "invalid_grant"},
			{"removed user", func(t *testing.T, w *world) { w.SetUsers(t, authtest.Person{Username: "bob"}) }, "invalid_grant"},
			{"the policy allows nothing any more", func(t *testing.T, w *world) {
				p := authtest.Policy("p1", orders, "orders.read")
				p.Generation, p.Allow = 2, nil
				w.MustPutPolicy(t, p)
			}, "invalid_grant"},
		} {
			t.Run(c.rule, func(t *testing.T) {
				w := users(t, on)
				b := w.NewBrowser(t)
				scope := []string{"scope", "orders.read orders.admin"}
				refresh := w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada", scope...)).Member("refresh_token")
				code := w.Code(t, b, w.public, "ada", scope...)
				c.change(t, w)
				refused(t, "refresh", w.Refresh(t, w.public, refresh), c.want)
				refused(t, "code", w.Exchange(t, w.public, code), c.want)
			})
		}
		t.Run("a role that was taken away takes its scope along", func(t *testing.T) {
			w := users(t, on)
			refresh := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada", "scope", "orders.read orders.admin")).Member("refresh_token")
			w.SetUsers(t, authtest.Person{Username: "ada"})
			refused(t, "asked for by name", w.Refresh(t, w.public, refresh, "scope", "orders.admin orders.read"), "invalid_scope")
			if a := w.Refresh(t, w.public, refresh); a.Member("scope") != "orders.read" {
				t.Errorf("not by name: %s", a.Body)
			}
		})
		t.Run("a consent withdrawn while the code is on its way", func(t *testing.T) {
			w := users(t, on)
			code := w.Code(t, w.NewBrowser(t), w.public, "ada")
			if _, err := w.Store.WithdrawConsents(t.Context(), "user/ada", "apps.public", w.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			refused(t, "code", w.Exchange(t, w.public, code), "invalid_grant")
		})
	})
}

// reregister changes the public client.
func (w *world) reregister(t *testing.T, change func(*oauth.Managed)) {
	t.Helper()
	r := w.public.Registration
	managed := *r.Managed
	r.Managed = &managed
	managed.Generation = 2
	change(&managed)
	if a := w.Register(t, r); a.Status != http.StatusOK && a.Status != http.StatusCreated {
		t.Fatalf("register again: %d %s", a.Status, a.Body)
	}
}

func decode(t *testing.T, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
