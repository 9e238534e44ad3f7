package authserver_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
)

// replicas are two servers on one PostgreSQL, here and there, for the same people
// and clients. Neither polls: what one sees of the other's doings it reads when it
// needs it, or was told.
func replicas(t *testing.T) (here, there *people) {
	t.Helper()
	on := open(authtest.Config{Postgres: postgres.Server(t), Poll: time.Hour}, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })
	here = peopleAt(t, authtest.Start(t, on))
	return here, here.at(t, here.Replica(t, authtest.Config{Poll: time.Hour}))
}

// at is the same world seen through another replica, and another browser there.
func (w *people) at(t *testing.T, s *authtest.Server) *people {
	seen := *w
	seen.Server, seen.browser = s, s.NewBrowser(t)
	return &seen
}

// soon waits for what another replica has to be told of.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for began := time.Now(); !holds(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not after %v", what, time.Since(began))
		}
	}
}

// changed is a client whose registration was changed.
func changed(c authtest.Client, change func(*authtest.Client, *oauth.Managed)) authtest.Client {
	managed := *c.Registration.Managed
	managed.Counter++
	managed.Generation++
	c.Registration.Managed = &managed
	change(&c, &managed)
	return c
}

func rotated(c authtest.Client) authtest.Client {
	return changed(c, func(c *authtest.Client, m *oauth.Managed) {
		c.Secret = credential.NewClientSecret()
		m.SecretHashes = []string{credential.Hash(c.Secret.Reveal())}
	})
}

func TestReplicasKnowEachOthersClients(t *testing.T) {
	here, there := replicas(t)
	c := here.MustRegister(t, authtest.NewClient("new"))
	there.MustToken(t, c) // at once, whether it was told yet or not
	next := here.MustRegister(t, rotated(c))
	there.MustToken(t, next)
	soon(t, "the old secret is refused", func() bool { return there.Token(t, c).Error() == "invalid_client" })
	here.MustRegister(t, changed(next, func(_ *authtest.Client, m *oauth.Managed) { m.Disabled = true }))
	soon(t, "a disabled client is refused", func() bool { return there.Token(t, next).Error() == "invalid_client" })
}

func TestA4RefreshesSpreadOverReplicasHaveOneSuccessor(t *testing.T) {
	here, there := replicas(t)
	_, first := here.tokens(t, here.public)
	at := []*people{here, there}
	next := oneSuccessor(t, first, func(i int) authtest.Answer { return at[i%2].Refresh(t, here.public, first) })
	if !there.refreshes(t, here.public, next) {
		t.Error("the successor is worth nothing")
	}
}

func TestA19WhatEndsAtOneReplicaHasEndedAtTheOther(t *testing.T) {
	here, there := replicas(t)
	access, refresh := here.tokens(t, here.app, "resource", api)
	if !there.active(t, there.rs, access) || there.userinfo(t, access).Status != http.StatusOK {
		t.Fatal("not active before")
	}
	if a := here.postAs(t, here.app, "/oauth/revoke", "token", refresh); a.Status != http.StatusOK {
		t.Fatalf("revoke: %d %s", a.Status, a.Body)
	}
	if there.active(t, there.rs, access) || there.userinfo(t, access).Status != http.StatusUnauthorized || there.refreshes(t, there.app, refresh) {
		t.Error("a revoked family is good for something at the other replica")
	}
	machine := here.MustToken(t, here.machine, "resource", api)
	here.postAs(t, here.machine, "/oauth/revoke", "token", machine)
	if there.active(t, there.rs, machine) {
		t.Error("a revoked access token is active at the other replica")
	}
	access, _ = here.tokens(t, here.other, "resource", api)
	page := here.browser.Get(t, here.Issuer+"/account")
	here.postPage(t, here.browser, "/account/withdraw", forms(page)["withdraw apps.other"])
	if there.active(t, there.rs, access) || there.userinfo(t, access).Status != http.StatusUnauthorized {
		t.Error("access that was withdrawn is good for something at the other replica")
	}
}

func TestA3ACodeGoesToOneReplicaOnly(t *testing.T) {
	here, there := replicas(t)
	code := here.Code(t, here.browser, here.app, "ada", "resource", api)
	a := there.MustExchange(t, there.app, code)
	if !here.active(t, here.rs, a.Member("access_token")) {
		t.Error("its token is not active where the code was made")
	}
	refused(t, "a second time, at the other replica", here.Exchange(t, here.app, code), "invalid_grant")
	if there.active(t, there.rs, a.Member("access_token")) || there.refreshes(t, there.app, a.Member("refresh_token")) {
		t.Error("its tokens outlive its second use")
	}

	raced := here.Code(t, here.browser, here.app, "ada", "resource", api)
	at := []*people{here, there}
	var issued atomic.Int64
	parallel(16, func(i int) {
		if at[i%2].Exchange(t, here.app, raced).Status == http.StatusOK {
			issued.Add(1)
		}
	})
	if issued.Load() > 1 {
		t.Errorf("A17: %d replicas gave tokens for one code", issued.Load())
	}
}

func TestSessionsAndPendingRequestsAreEveryReplicas(t *testing.T) {
	here, there := replicas(t)
	b := here.NewBrowser(t)
	page := b.Get(t, here.AuthorizeURL(here.app, "resource", api))
	b.At(there.Server)
	page = b.SignIn(t, page, "ada")
	if !page.AsksConsent() {
		t.Fatalf("the request of one replica, signed in at the other: %d %s", page.Status, page.URL)
	}
	b.At(here.Server)
	page = b.Submit(t, page, "decision", "allow")
	there.MustExchange(t, there.app, page.Callback.Get("code"))
	b.At(there.Server)
	if page = b.Get(t, here.AuthorizeURL(here.app, "resource", api)); page.Callback.Get("code") == "" {
		t.Fatalf("signed in at one replica, asked at the other: %d %s", page.Status, page.URL)
	}
	b.At(here.Server)
	account := b.Get(t, here.Issuer+"/account")
	here.postPage(t, b, "/account/sign-out", forms(account)["sign-out "])
	b.At(there.Server)
	if page = b.Get(t, here.AuthorizeURL(here.app, "resource", api)); !page.AsksPassword() {
		t.Errorf("A19: signed out at one replica, at the other: %d %s", page.Status, page.URL)
	}
}

func TestAPushedRequestGoesToOneReplicaOnly(t *testing.T) {
	here, there := replicas(t)
	asked, err := url.Parse(here.AuthorizeURL(here.public, "resource", api))
	if err != nil {
		t.Fatal(err)
	}
	pushed := here.Do(t, http.MethodPost, "/oauth/par", asked.RawQuery, "Content-Type", formType).Member("request_uri")
	begin := here.Issuer + "/oauth/authorize?" + values("client_id", "apps.public", "request_uri", pushed).Encode()
	if page := there.browser.Get(t, begin); !page.AsksPassword() {
		t.Fatalf("pushed at one replica, used at the other: %d %s", page.Status, page.URL)
	}
	if page := here.browser.Get(t, begin); page.Status != http.StatusBadRequest {
		t.Errorf("A17: a second time: %d %s", page.Status, page.URL)
	}
}

func TestA17GuessesAreCountedOverAllReplicas(t *testing.T) {
	here, there := replicas(t)
	at := []*people{here, there}
	parallel(10, func(i int) {
		w := at[i%2]
		guess(t, w.Server, w.NewBrowser(t), w.app)
	})
	for _, w := range at {
		b := w.NewBrowser(t)
		if page := b.SignIn(t, b.Get(t, w.AuthorizeURL(w.app)), "ada"); !page.AsksPassword() {
			t.Errorf("past the lockout: %d at %s", page.Status, page.URL)
		}
	}
}

// TestF28AKeyIsRotatedOverReplicas: who decides about promotion sees which keys
// each replica serves, and no token is refused meanwhile.
func TestF28AKeyIsRotatedOverReplicas(t *testing.T) {
	here, there := replicas(t)
	serving := func() map[string]int {
		t.Helper()
		var list oauth.ReplicaList
		decodeJSON(t, there.Do(t, "GET", "/registrar/v1/replicas", "", "Authorization", "Bearer "+authtest.RegistrarToken), &list)
		revisions := map[string]int{}
		for _, r := range list.Replicas {
			revisions[r.KeySetRevision]++
		}
		return revisions
	}
	before := here.Signing.Revision()
	if got := serving(); got[before] != 2 || len(got) != 1 {
		t.Fatalf("replicas by revision: %v", got)
	}
	// The standby of both becomes the active key, at one replica after the other.
	now := here.Clock.Now()
	next := keys.Set{Keys: append([]keys.Key(nil), here.Signing.Keys...)}
	next.Keys[0].Phase, next.Keys[0].Retired = keys.Retiring, &now
	next.Keys[1].Phase, next.Keys[1].Activated = keys.Active, &now
	here.Signing = next
	here.Reload(t)
	if got := serving(); got[before] != 1 || got[next.Revision()] != 1 {
		t.Errorf("half way: %v", got)
	}
	tokens := []string{here.MustToken(t, here.machine, "resource", api), there.MustToken(t, there.machine, "resource", api)}
	if header(t, tokens[0])["kid"] == header(t, tokens[1])["kid"] {
		t.Error("both sign with the same key")
	}
	check := func() {
		t.Helper()
		for _, token := range tokens {
			if !here.active(t, here.rs, token) || !there.active(t, there.rs, token) {
				t.Error("a token of one replica is refused at the other")
			}
		}
	}
	check()
	there.Signing = next
	there.Reload(t)
	if got := serving(); got[next.Revision()] != 2 {
		t.Errorf("afterwards: %v", got)
	}
	check()
	if kid := header(t, there.MustToken(t, there.machine))["kid"]; kid != next.Keys[1].KID {
		t.Errorf("signed with %v", kid)
	}
}
