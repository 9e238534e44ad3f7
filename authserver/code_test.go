package authserver_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
)

func TestA2PKCEIsHeldBothWays(t *testing.T) {
	w := users(t, authtest.Config{})
	old := w.MustRegister(t, authtest.NewClient("old", authtest.WithCode("orders.read", orders), withPost, func(r *oauth.Registration) { r.Managed.PKCEOptional = true }))
	b := w.NewBrowser(t)
	without := []string{"code_challenge", "", "code_challenge_method", ""}
	for _, c := range []struct {
		rule    string
		client  authtest.Client
		request []string
		form    []string
		want    string
	}{
		{"verifier", w.public, nil, nil, ""},
		{"challenge without verifier", w.public, nil, []string{"code_verifier", ""}, "invalid_grant"},
		{"wrong verifier", w.public, nil, []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
		{"the challenge itself", w.public, nil, []string{"code_verifier", authtest.Challenge()}, "invalid_grant"},
		{"short verifier", w.public, nil, []string{"code_verifier", "short"}, "invalid_grant"},
		{"confidential client, no verifier", w.web, nil, []string{"code_verifier", ""}, "invalid_grant"},
		{"the exception: neither", old, without, []string{"code_verifier", ""}, ""},
		{"the exception: verifier without challenge", old, without, nil, "invalid_grant"},
		{"the exception: challenge without verifier", old, nil, []string{"code_verifier", ""}, "invalid_grant"},
		{"the exception: both", old, nil, nil, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := w.exchangeWith(t, c.client, w.Code(t, b, c.client, "ada", c.request...), c.form...)
			if a.Error() != c.want {
				t.Errorf("%d %s, want %q", a.Status, a.Body, c.want)
			}
		})
	}
	if m := w.Send(t, request(t, w.MetricsURL)).Body; !strings.Contains(m, "clientele_authorizations_without_pkce_total 2") {
		t.Error("the exception is not counted")
	}
}

// TestA2TheExceptionTakenBack while a code without PKCE is on its way.
func TestA2TheExceptionTakenBack(t *testing.T) {
	w := users(t, authtest.Config{})
	old := w.MustRegister(t, authtest.NewClient("old", authtest.WithCode("orders.read", orders), withPost, func(r *oauth.Registration) { r.Managed.PKCEOptional = true }))
	code := w.Code(t, w.NewBrowser(t), old, "ada", "code_challenge", "", "code_challenge_method", "")
	strict := *old.Registration.Managed
	strict.PKCEOptional, strict.Generation = false, 2
	old.Registration.Managed = &strict
	w.MustRegister(t, old)
	refused(t, "a code without PKCE", w.exchangeWith(t, old, code, "code_verifier", ""), "invalid_grant")
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// exchangeWith brings a code; change replaces parameters.
func (w *world) exchangeWith(t *testing.T, c authtest.Client, code string, change ...string) authtest.Answer {
	t.Helper()
	form := map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": authtest.Redirect, "code_verifier": authtest.Verifier}
	for i := 0; i+1 < len(change); i += 2 {
		form[change[i]] = change[i+1]
	}
	var list []string
	for name, value := range form {
		list = append(list, name, value)
	}
	return w.Token(t, c, list...)
}

func TestCodeIsBoundToItsRequest(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		code := func() string { return w.Code(t, b, w.public, "ada") }
		refused(t, "no code", w.exchangeWith(t, w.public, ""), "invalid_request")
		refused(t, "A13: truncated", w.exchangeWith(t, w.public, code()[:30]), "invalid_grant")
		refused(t, "A13: padded", w.exchangeWith(t, w.public, code()+" "), "invalid_grant")
		refused(t, "one of ours, unknown", w.exchangeWith(t, w.public, credential.NewCode().Reveal()), "invalid_grant")
		refused(t, "another redirect_uri", w.exchangeWith(t, w.public, code(), "redirect_uri", authtest.Redirect+"/"), "invalid_grant")
		refused(t, "another resource", w.exchangeWith(t, w.public, code(), "resource", "https://payroll.example"), "invalid_target")
		if a := w.exchangeWith(t, w.public, code(), "resource", orders); a.Status != http.StatusOK {
			t.Errorf("the same resource: %s", a.Body)
		}
		late := code()
		w.Pass(t, time.Minute)
		refused(t, "after a minute", w.exchangeWith(t, w.public, late), "invalid_grant")

		t.Run("OAuth 2.1: PKCE in place of redirect_uri", func(t *testing.T) {
			if a := w.exchangeWith(t, w.public, code(), "redirect_uri", ""); a.Status != http.StatusOK {
				t.Errorf("left out: %s", a.Body)
			}
			refused(t, "without the verifier", w.exchangeWith(t, w.public, code(), "redirect_uri", "", "code_verifier", ""), "invalid_grant")
			old := w.MustRegister(t, authtest.NewClient("old", authtest.WithCode("orders.read", orders), withPost, func(r *oauth.Registration) { r.Managed.PKCEOptional = true }))
			bare := w.Code(t, b, old, "ada", "code_challenge", "", "code_challenge_method", "")
			refused(t, "left out, without PKCE", w.exchangeWith(t, old, bare, "redirect_uri", "", "code_verifier", ""), "invalid_grant")
		})
		t.Run("no redirect_uri in the request: none needed", func(t *testing.T) {
			bare := func() string { return w.Code(t, b, w.public, "ada", "redirect_uri", "") }
			if a := w.exchangeWith(t, w.public, bare(), "redirect_uri", ""); a.Status != http.StatusOK {
				t.Errorf("without: %s", a.Body)
			}
			if a := w.exchangeWith(t, w.public, bare()); a.Status != http.StatusOK {
				t.Errorf("with the registered one: %s", a.Body)
			}
			refused(t, "with another", w.exchangeWith(t, w.public, bare(), "redirect_uri", "https://evil.example"), "invalid_grant")
		})
	})
}

// A setting that changes while codes are on their way does not change when they
// were made.
func TestCodeOfAYoungClientWhileTheLifetimeGrows(t *testing.T) {
	w := users(t, authtest.Config{})
	code := w.Code(t, w.NewBrowser(t), w.public, "ada")
	w.Settings.CodeLifetime = time.Hour
	w.Reload(t)
	w.MustExchange(t, w.public, code)
}

func TestA3CodesAndRefreshTokensOfAnotherClient(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		refused(t, "another client's code", w.Exchange(t, w.other, w.Code(t, b, w.public, "ada")), "invalid_grant")
		a := w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada"))
		refused(t, "another client's refresh token", w.Refresh(t, w.other, a.Member("refresh_token")), "invalid_grant")
		refused(t, "a confidential client's", w.Refresh(t, w.web, a.Member("refresh_token")), "invalid_grant")
		if w.familyRevoked(t, a.Member("access_token")) {
			t.Error("another client ended the family")
		}
		if again := w.Refresh(t, w.public, a.Member("refresh_token")); again.Status != http.StatusOK {
			t.Errorf("its own client: %s", again.Body)
		}
	})
}

func TestA3ACodeUsedTwiceRevokesItsTokens(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		code := w.Code(t, w.NewBrowser(t), w.public, "ada")
		a := w.MustExchange(t, w.public, code)
		refused(t, "the second time", w.Exchange(t, w.public, code), "invalid_grant")
		refused(t, "its refresh token", w.Refresh(t, w.public, a.Member("refresh_token")), "invalid_grant")
		if !w.familyRevoked(t, a.Member("access_token")) {
			t.Error("its access token is good still")
		}
		if log := w.Log.String(); !strings.Contains(log, "token.reused") || strings.Contains(log, code) || strings.Contains(log, a.Member("refresh_token")) {
			t.Error("the log does not tell of it, or tells the secrets (F36)")
		}
	})
}

func TestA17ACodeRacedGivesTokensOnceAtMost(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		code := w.Code(t, w.NewBrowser(t), w.public, "ada")
		var answers sync.Map
		parallel(32, func(i int) { answers.Store(i, w.Exchange(t, w.public, code)) })
		issued := 0
		answers.Range(func(_, v any) bool {
			a := v.(authtest.Answer)
			if a.Status == http.StatusOK {
				issued++
				refused(t, "a raced code's refresh token", w.Refresh(t, w.public, a.Member("refresh_token")), "invalid_grant")
			} else {
				refused(t, "a raced code", a, "invalid_grant")
			}
			return true
		})
		if issued > 1 {
			t.Errorf("%d answers with tokens", issued)
		}
	})
}

func parallel(n int, f func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() { <-begin; f(i) })
	}
	close(begin)
	all.Wait()
}
