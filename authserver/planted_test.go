package authserver_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// TestF10WhatIsPlantedInTheDatabaseIsNotBelieved: an intruder who can write to the
// database, and does not have the server keys, cannot sign in. The contract of the stores
// (storetest) has the other ways to forge a row.
func TestF10WhatIsPlantedInTheDatabaseIsNotBelieved(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		genuine := w.MustExchange(t, w.public, w.Code(t, b, w.public, "bob", "scope", "orders.read"))
		if page := b.Get(t, w.Issuer+"/account"); !strings.Contains(page.Body, "Name of bob") {
			t.Fatalf("bob's session is not believed: %d %s", page.Status, page.URL)
		}
		intruder := w.Intruder(t)
		for what, plant := range map[string]func(t *testing.T, intruder store.Store){
			"a session":                  w.plantSession,
			"an authorization code":      w.plantCode,
			"a consent":                  w.plantConsent,
			"another person in a family": func(t *testing.T, intruder store.Store) { w.editFamily(t, genuine, intruder) },
		} {
			t.Run(what, func(t *testing.T) {
				logged := strings.Count(w.Log.String(), "not as this server wrote it")
				plant(t, intruder)
				if strings.Count(w.Log.String(), "not as this server wrote it") == logged {
					t.Error("it is not logged")
				}
			})
		}
	})
}

// TestACodeThatCannotBeVerifiedYetIsNotUsedUp: another replica had the newer server key
// first.
func TestACodeThatCannotBeVerifiedYetIsNotUsedUp(t *testing.T) {
	w := users(t, authtest.Config{})
	before := w.ServerKeys
	added := withNewerKey(before, w.Clock.Now())
	w.ServerKeys = added
	w.Reload(t)
	code := w.Code(t, w.NewBrowser(t), w.public, "ada", "scope", "orders.read")
	w.ServerKeys = before
	w.Reload(t)
	unavailable(t, "the key is not there yet", w.Exchange(t, w.public, code))
	w.ServerKeys = added
	w.Reload(t)
	w.MustExchange(t, w.public, code)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// adasSource stands in any session of hers.
func (w *world) adasSource(t *testing.T) store.Source {
	t.Helper()
	b := w.NewBrowser(t)
	b.SignIn(t, b.Get(t, w.Issuer+"/account"), "ada")
	sessions, err := w.Store.SessionsOf(t.Context(), "user/ada", w.Clock.Now())
	if err != nil || len(sessions) == 0 || sessions[0].Source.Stamp == "" {
		t.Fatalf("%+v, %v", sessions, err)
	}
	return sessions[0].Source
}

func (w *world) plantSession(t *testing.T, intruder store.Store) {
	cookie := credential.NewSessionCookie()
	must(t, intruder.PutSession(t.Context(), store.Session{
		ID: credential.NewID(), Hash: credential.Hash(cookie.Reveal()), Subject: "user/ada", Source: w.adasSource(t),
		AuthTime: w.Clock.Now(), Created: w.Clock.Now(), Expires: w.Clock.Now().Add(time.Hour),
	}))
	b := w.NewBrowser(t)
	b.Complete(t, b.Get(t, w.Issuer+"/account"), "bob") // so that there is a cookie of that name
	at, err := url.Parse(w.URL)
	must(t, err)
	jar := b.Jar.Cookies(at)
	for _, c := range jar {
		if strings.HasPrefix(c.Value, credential.PrefixSession) {
			c.Value = cookie.Reveal()
		}
	}
	b.Jar.SetCookies(at, jar)
	if page := b.Get(t, w.Issuer+"/account"); !page.AsksPassword() {
		t.Errorf("signed in: %d %s", page.Status, page.Body)
	}
}

func (w *world) plantCode(t *testing.T, intruder store.Store) {
	code := credential.NewCode()
	must(t, intruder.PutCode(t.Context(), store.Code{
		Hash: credential.Hash(code.Reveal()), RedirectURI: authtest.Redirect, Challenge: authtest.Challenge(), FamilyID: credential.NewFamilyID(),
		Grant: store.Grant{
			ClientID: "apps.public", Subject: "user/ada", Source: w.adasSource(t), SessionID: credential.NewID(),
			Access: []store.Access{{Resource: orders, Scopes: []string{"orders.admin"}}},
		},
		Issued: w.Clock.Now(), Expires: w.Clock.Now().Add(time.Minute),
	}))
	refused(t, "a planted code", w.Exchange(t, w.public, code.Reveal()), "invalid_grant")
}

func (w *world) plantConsent(t *testing.T, intruder store.Store) {
	if _, err := w.Store.WithdrawConsents(t.Context(), "user/ada", "apps.web", w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	must(t, intruder.AddConsent(t.Context(), store.Consent{
		Subject: "user/ada", ClientID: "apps.web", Resource: orders, Promise: w.web.Registration.ConsentPromise(), Scopes: []string{"orders.read"}, Granted: w.Clock.Now(),
	}, time.Time{}))
	b := w.NewBrowser(t)
	asked := w.AuthorizeURL(w.web, "scope", "orders.read")
	if page := b.SignIn(t, b.Get(t, asked), "ada"); !page.AsksConsent() || strings.Contains(page.Body, "already allowed") {
		t.Errorf("nobody was asked: %d %s", page.Status, page.URL)
	} else {
		b.Submit(t, page, "decision", "allow")
	}
	if page := b.Get(t, asked); page.Callback.Get("code") == "" {
		t.Errorf("and what she then allows does not count: %d %s", page.Status, page.URL)
	}
}

func (w *world) editFamily(t *testing.T, held authtest.Answer, intruder store.Store) {
	families, err := w.Store.FamiliesOf(t.Context(), "user/bob", w.Clock.Now())
	must(t, err)
	at := slices.IndexFunc(families, func(f store.Family) bool { return f.Grant.ClientID == "apps.public" })
	edited := families[at]
	edited.Grant.Subject, edited.Grant.Source = "user/ada", w.adasSource(t)
	must(t, intruder.AdvanceFamily(t.Context(), edited.Generation, edited))
	refused(t, "a family that was made ada's", w.Refresh(t, w.public, held.Member("refresh_token")), "invalid_grant")
	if a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+held.Member("access_token")); a.Status != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", a.Status, a.Body)
	}
	must(t, w.Store.AdvanceFamily(t.Context(), edited.Generation, families[at]))
}
