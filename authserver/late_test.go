package authserver_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// meanwhile is a store before one of whose calls something else happens, once.
type meanwhile struct {
	store.Store
	mu       sync.Mutex
	call     string
	happens  func()
	happened bool
}

func (m *meanwhile) next(call string, happens func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.call, m.happens, m.happened = call, happens, false
}

func (m *meanwhile) before(call string) {
	m.mu.Lock()
	happens := m.happens
	if m.call != call || happens == nil {
		m.mu.Unlock()
		return
	}
	m.happens, m.happened = nil, true
	m.mu.Unlock()
	happens()
}

func (m *meanwhile) did() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.happened
}

func (m *meanwhile) SignOuts(ctx context.Context, subject string) (int64, error) {
	m.before("SignOuts")
	return m.Store.SignOuts(ctx, subject)
}

func (m *meanwhile) PutSession(ctx context.Context, s store.Session) error {
	m.before("PutSession")
	return m.Store.PutSession(ctx, s)
}

func (m *meanwhile) PutCode(ctx context.Context, c store.Code) error {
	m.before("PutCode")
	return m.Store.PutCode(ctx, c)
}

func (m *meanwhile) PutFamily(ctx context.Context, f store.Family) error {
	m.before("PutFamily")
	return m.Store.PutFamily(ctx, f)
}

func (m *meanwhile) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	m.before("AdvanceFamily")
	return m.Store.AdvanceFamily(ctx, from, next)
}

// interrupted is a world with such a store, in which codes live long. other is another
// replica where there can be one, and the same server where not.
func interrupted(t *testing.T, on authtest.Config) (w, other *people, m *meanwhile) {
	t.Helper()
	on = open(on)
	on.Settings.CodeLifetime = time.Hour
	on.Wrap = func(s store.Store) store.Store {
		m = &meanwhile{Store: s}
		return m
	}
	w = peopleAt(t, authtest.Start(t, on))
	other = w
	if on.Postgres != nil {
		other = w.at(t, w.Replica(t, authtest.Config{}))
	}
	return w, other, m
}

// lateWrites are requests of which something is written when everything else has
// happened; each returns what then works, also at another server.
var lateWrites = map[string]func(t *testing.T, w *people, h held) (works func(w *people) string){
	"PutSession": func(t *testing.T, w *people, _ held) func(*people) string {
		b := w.NewBrowser(t)
		b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
		return func(w *people) string {
			b.At(w.Server)
			if b.Get(t, w.URL+"/account").AsksPassword() {
				return ""
			}
			return "session"
		}
	},
	"PutCode": func(t *testing.T, w *people, h held) func(*people) string {
		code := h.browser.Get(t, w.AuthorizeURL(w.app, "resource", api)).Callback.Get("code")
		if code == "" {
			t.Error("there was nothing to be late")
		}
		return func(w *people) string {
			if w.Exchange(t, w.app, code).Status == http.StatusOK {
				return "code"
			}
			return ""
		}
	},
	"PutFamily": func(t *testing.T, w *people, h held) func(*people) string {
		return lateTokens(t, w.Exchange(t, w.app, h.code))
	},
	"AdvanceFamily": func(t *testing.T, w *people, h held) func(*people) string {
		return lateTokens(t, w.Refresh(t, w.app, h.refresh))
	},
}

func lateTokens(t *testing.T, a authtest.Answer) func(*people) string {
	return func(w *people) string {
		switch {
		case a.Status != http.StatusOK:
			return ""
		case w.active(t, w.rs, a.Member("access_token")):
			return "access token"
		case w.refreshes(t, w.app, a.Member("refresh_token")):
			return "refresh token"
		}
		return ""
	}
}

// A11, A19: what another request, at whichever replica, was about to write when somebody
// lost everything is over when it is written, and stays so. What they began since stays,
// whatever their session and its provider say.
func TestA11A19WhatComesLateIsOver(t *testing.T) {
	ada := []authtest.Person{{Username: "ada"}}
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		for cause, end := range map[string]func(t *testing.T, other *people){
			"signed out": func(t *testing.T, other *people) {
				asRegistrar[oauth.SignedOut](t, other.Server, http.MethodDelete, "/user/ada")
			},
			"disabled for a moment": func(t *testing.T, other *people) {
				other.SetUsers(t, authtest.Person{Username: "ada", Disabled: true})
				other.has(t, 0, 0)
				other.SetUsers(t, ada...)
			},
		} {
			for call, request := range lateWrites {
				t.Run(cause+" "+call, func(t *testing.T) {
					w, other, m := interrupted(t, on)
					h := w.hold(t)
					m.next(call, func() { end(t, other) })
					works := request(t, w, h)
					if !m.did() {
						t.Fatal("nothing was late")
					}
					anew := w.hold(t)
					signedOutAtTheBrowser := w.hold(t)
					w.endSession(t, signedOutAtTheBrowser)
					w.settle(t, 2*time.Minute)
					w = w.at(t, w.Restart(t, authtest.Config{}))
					anew.browser.At(w.Server)
					h.browser.At(w.Server)
					if got := works(w); got != "" {
						t.Errorf("late, and still good: %s", got)
					}
					if got := w.gives(t, h); got != "" {
						t.Errorf("of before, and still good: %s", got)
					}
					if got := w.gives(t, anew); got != everything {
						t.Errorf("%q works of what she began since", got)
					}
					signedOutAtTheBrowser.browser.At(w.Server)
					if got := w.gives(t, signedOutAtTheBrowser); got != strings.TrimPrefix(everything, "session ") {
						t.Errorf("%q works of what she began since, and signed out", got)
					}
				})
			}
		}
	})
}

// endSession of a browser, as the account page does.
func (w *people) endSession(t *testing.T, h held) {
	t.Helper()
	code, err := w.Store.Code(t.Context(), credential.Hash(h.code), w.Clock.Now())
	must(t, err)
	must(t, w.Store.EndSession(t.Context(), "user/ada", code.Grant.SessionID))
}

// settle lets time pass, and then the server look at what is to end: somebody else's
// ending tells that it has.
func (w *people) settle(t *testing.T, d time.Duration) {
	t.Helper()
	w.Pass(t, d)
	ada, eve := authtest.Person{Username: "ada"}, authtest.Person{Username: "eve"}
	w.SetUsers(t, ada, eve)
	b := w.NewBrowser(t)
	b.SignIn(t, b.Get(t, w.URL+"/account"), "eve")
	eve.Disabled = true
	w.SetUsers(t, ada, eve)
	eventually(t, func() string {
		left, err := w.Store.SessionsOf(t.Context(), "user/eve", w.Clock.Now())
		if err != nil {
			return err.Error()
		}
		if len(left) > 0 {
			return "eve is not signed out"
		}
		return ""
	})
	w.SetUsers(t, ada)
}

// A11: whose password was right a moment ago, and who is disabled since, is not signed in:
// nothing of them waits for the day on which they are enabled again.
func TestA11WhoIsDisabledWhileTheySignIn(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, _, m := interrupted(t, on)
		for refused, at := range []string{w.URL + "/account", w.AuthorizeURL(w.app, "resource", api)} {
			w.hold(t)
			m.next("SignOuts", func() {
				w.SetUsers(t, authtest.Person{Username: "ada", Disabled: true})
				w.has(t, 0, 0)
			})
			b := w.NewBrowser(t)
			if page := b.SignIn(t, b.Get(t, at), "ada"); !m.did() || !page.AsksPassword() || !strings.Contains(page.Body, "You are not signed in") {
				t.Errorf("%d at %s: %s", page.Status, page.URL, page.Body)
			}
			w.SetUsers(t, authtest.Person{Username: "ada"})
			w.has(t, 0, 0)
			if !b.Get(t, w.URL+"/account").AsksPassword() {
				t.Error("she is signed in")
			}
			if n := strings.Count(w.Log.String(), "user.sign_in_refused"); n != refused+1 {
				t.Errorf("%d refusals in the audit log", n)
			}
		}
	})
}
