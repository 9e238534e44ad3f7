package authserver_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/signin"
)

// startLockout starts a server with a user and a client of hers.
func startLockout(t *testing.T, limits signin.Limits) (*authtest.Server, authtest.Client) {
	s, client := proxied(t)
	s.Settings.SignIn = limits
	s.Reload(t)
	return s, client
}

// signsIn tells whether the right password is taken.
func signsIn(t *testing.T, s *authtest.Server, c authtest.Client) bool {
	t.Helper()
	b := s.NewBrowser(t)
	return b.SignIn(t, b.Get(t, s.AuthorizeURL(c)), "ada").AsksConsent()
}

func TestA17TheLockoutIsASettingThatChangesWhileTheServerRuns(t *testing.T) {
	s, client := startLockout(t, signin.Limits{PerPair: 2, Window: time.Hour})
	b := s.NewBrowser(t)
	guess(t, s, b, client)
	guess(t, s, b, client)
	if signsIn(t, s, client) {
		t.Fatal("two guesses are allowed, and a third was looked at")
	}
	s.Settings.SignIn.PerPair = 5
	s.Reload(t)
	if !signsIn(t, s, client) {
		t.Error("five guesses are allowed now, and the fourth was not looked at")
	}
	s.Settings.SignIn = signin.Limits{PerPair: 1, Window: time.Minute}
	s.Reload(t)
	guess(t, s, b, client)
	if signsIn(t, s, client) {
		t.Error("one guess is allowed now, and a second was looked at")
	}
	s.Pass(t, time.Minute)
	if !signsIn(t, s, client) {
		t.Error("the window is over, and the user is still locked out")
	}
}

// Whoever tries things out does so from one address, in parallel, rightly and
// wrongly: what `make dev` sets lets them.
func TestManySignInsFromOneAddress(t *testing.T) {
	s, client := startLockout(t, signin.Limits{PerPair: 10_000, PerUsername: 100_000, PerAddress: 100_000, Window: time.Minute})
	const browsers = 12 // more than the guesses that are looked at by default
	var running sync.WaitGroup
	for range browsers {
		running.Go(func() {
			b := s.NewBrowser(t)
			page := b.Get(t, s.AuthorizeURL(client))
			page = b.Submit(t, page, "username", "ada", "password", "wrong")
			if page.Status != http.StatusForbidden || !page.AsksPassword() {
				t.Errorf("wrong: %d", page.Status)
			}
			if page = b.SignIn(t, page, "ada"); page.AsksPassword() {
				t.Errorf("right: %d", page.Status)
			}
		})
	}
	running.Wait()
}

// Whoever knows a user name can use up its guesses from many addresses. The browsers
// that its owner uses do not depend on them, nor on their address's; a stranger's
// browser, and another user's, do.
func TestA17AKnownBrowserIsNotLockedOutByOthers(t *testing.T) {
	s, client := startLockout(t, signin.Limits{PerPair: 3, PerUsername: 4, PerAddress: 6, Window: time.Hour})
	s.SetUsers(t, authtest.Person{Username: "ada"}, authtest.Person{Username: "bob"})
	hers, his := s.NewBrowser(t), s.NewBrowser(t)
	hers.SignIn(t, hers.Get(t, s.AuthorizeURL(client)), "ada")
	his.SignIn(t, his.Get(t, s.AuthorizeURL(client)), "bob")
	for range 10 {
		guess(t, s, s.NewBrowser(t), client)
	}
	again := func(b *authtest.Browser, username string) bool {
		t.Helper()
		return b.SignIn(t, b.Get(t, s.AuthorizeURL(client, "prompt", "login")), username).AsksConsent()
	}
	if signsIn(t, s, client) || again(his, "ada") {
		t.Fatal("the guesses are used up, and a browser that ada never used signs her in")
	}
	if !again(hers, "ADA ") {
		t.Fatal("others' guesses lock ada out of her own browser")
	}
	for range 3 {
		hers.Submit(t, hers.Get(t, s.AuthorizeURL(client, "prompt", "login")), "username", "ada", "password", "wrong")
	}
	if again(hers, "ada") {
		t.Error("in her browser there are more guesses than for anybody")
	}
	s.Pass(t, time.Hour)
	if !again(hers, "ada") {
		t.Error("the window is over")
	}
}
