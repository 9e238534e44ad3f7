package authserver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// held is what ada has at one moment: a browser that is signed in, tokens, and a code
// on its way.
type held struct {
	browser               *authtest.Browser
	access, refresh, code string
}

func (w *people) hold(t *testing.T) held {
	t.Helper()
	h := held{browser: w.NewBrowser(t)}
	a := w.exchange(t, w.app, w.Code(t, h.browser, w.app, "ada", "resource", api))
	h.access, h.refresh = a.Member("access_token"), a.Member("refresh_token")
	h.code = w.Code(t, h.browser, w.app, "ada", "resource", api)
	return h
}

// gives says what of it still works; the code and the refresh token are used up.
func (w *people) gives(t *testing.T, h held) string {
	t.Helper()
	var works []string
	if !h.browser.Get(t, w.URL+"/account").AsksPassword() {
		works = append(works, "session")
	}
	if w.active(t, w.rs, h.access) {
		works = append(works, "introspection")
	}
	if w.userinfo(t, h.access).Status == http.StatusOK {
		works = append(works, "userinfo")
	}
	if w.Exchange(t, w.app, h.code).Status == http.StatusOK {
		works = append(works, "code")
	}
	if w.refreshes(t, w.app, h.refresh) {
		works = append(works, "refresh")
	}
	return strings.Join(works, " ")
}

const everything = "session introspection userinfo code refresh"

// has waits until ada has so many sessions and families.
func (w *people) has(t *testing.T, sessions, families int) {
	t.Helper()
	eventually(t, func() string {
		s, err := w.Store.SessionsOf(t.Context(), "user/ada", w.Clock.Now())
		if err != nil {
			return err.Error()
		}
		f, err := w.Store.FamiliesOf(t.Context(), "user/ada", w.Clock.Now())
		if err != nil {
			return err.Error()
		}
		if len(s) != sessions || len(f) != families {
			return fmt.Sprintf("%d sessions and %d families, want %d and %d", len(s), len(f), sessions, families)
		}
		return ""
	})
}

// carriedOut waits until what the users documents end has ended.
func (w *people) carriedOut(t *testing.T) {
	t.Helper()
	eventually(t, func() string {
		if due := w.Users.Endings(); len(due) > 0 {
			return fmt.Sprintf("%d endings are due", len(due))
		}
		return ""
	})
}

// A11, A19: what somebody had before they were disabled, or had another password, does
// not come back when that is undone. Who was only missing in the document is as before.
func TestA11A19WhatTheUsersDocumentEndedDoesNotComeBack(t *testing.T) {
	ada := authtest.Person{Username: "ada"}
	disabled, reset := ada, ada
	disabled.Disabled, reset.Password = true, "another"
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		for rule, c := range map[string]struct {
			documents [][]authtest.Person // one after the other; then ada is as before
			wait      bool                // until it was carried out, and codes have expired
			want      string
		}{
			"disabled":                   {[][]authtest.Person{{disabled}}, true, ""},
			"disabled for a moment":      {[][]authtest.Person{{disabled}}, false, ""},
			"disabled, then removed":     {[][]authtest.Person{{disabled}, {}}, true, ""},
			"another password":           {[][]authtest.Person{{reset}}, true, ""},
			"disabled, another password": {[][]authtest.Person{{disabled}, {reset}}, false, ""},
			"missing":                    {[][]authtest.Person{{}}, false, everything},
			"somebody else is disabled":  {[][]authtest.Person{{ada, {Username: "eve", Disabled: true}}}, false, everything},
			"something else about her":   {[][]authtest.Person{{{Username: "ada", Roles: []string{"admin"}}}}, false, everything},
		} {
			t.Run(rule, func(t *testing.T) {
				w := newPeople(t, on)
				h := w.hold(t)
				for _, people := range c.documents {
					w.SetUsers(t, people...)
				}
				if c.wait {
					w.has(t, 0, 0)
					w.Pass(t, time.Minute)
				}
				w.SetUsers(t, ada)
				if c.want == "" {
					w.has(t, 0, 0)
				}
				if got := w.gives(t, h); got != c.want {
					t.Errorf("%q still works, want %q\n%s", got, c.want, w.Log)
				}
				// She begins anew, and keeps it; what she allowed is remembered. The old
				// password is a reset too, which ends what was begun until it is carried out.
				w.carriedOut(t)
				b := w.NewBrowser(t)
				page := b.SignIn(t, b.Get(t, w.AuthorizeURL(w.app, "resource", api)), "ada")
				if page.AsksConsent() || page.Callback.Get("code") == "" {
					t.Fatalf("signing in anew: %d %s", page.Status, page.Body)
				}
				anew := w.hold(t)
				w.Pass(t, time.Minute)
				w.SetUsers(t, ada)
				if got := w.gives(t, anew); got != strings.Replace(everything, "code ", "", 1) { // which has expired
					t.Errorf("after signing in anew %q works", got)
				}
				if ended := strings.Count(w.Log.String(), "user.access_ended"); (ended == 1) != (c.want == "") {
					t.Errorf("%d audit events\n%s", ended, w.Log)
				}
			})
		}
	})
}

// What was begun with the new password after the old one's sessions ended stays, also
// when the document is read again.
func TestAnotherPasswordEndsWhatWasBegunBefore(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		old := w.hold(t)
		w.SetUsers(t, authtest.Person{Username: "ada", Password: "another"})
		w.has(t, 0, 0)
		b := w.NewBrowser(t)
		page := b.Get(t, w.AuthorizeURL(w.app, "resource", api))
		if b.SignIn(t, page, "ada").Callback != nil {
			t.Fatal("the old password still signs in")
		}
		page = b.Submit(t, page, "username", "ada", "password", "another")
		anew := w.exchange(t, w.app, page.Callback.Get("code"))
		w.Pass(t, time.Minute)
		w.Users.Set(nil)
		w.SetUsers(t, authtest.Person{Username: "ada", Password: "another"})
		w.has(t, 1, 1)
		if !w.active(t, w.rs, anew.Member("access_token")) || w.gives(t, old) != "" {
			t.Errorf("the wrong ones ended\n%s", w.Log)
		}
	})
}

// R5: a replica that hears of a password reset later than others signs nobody out again.
func TestR5ResetSignsOutOnceForAllReplicas(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		if on.Postgres == nil {
			t.Skip("SQLite has one replica")
		}
		ada, reset := authtest.Person{Username: "ada"}, authtest.Person{Username: "ada", Password: "another"}
		w := newPeople(t, on)
		behind := on
		behind.Users = &signin.Local{}
		late := w.at(t, w.Replica(t, behind))
		late.SetUsers(t, ada)
		old := w.hold(t)
		w.SetUsers(t, reset)
		w.has(t, 0, 0)
		b := w.NewBrowser(t)
		page := b.Get(t, w.AuthorizeURL(w.app, "resource", api))
		anew := w.exchange(t, w.app, b.Submit(t, page, "username", "ada", "password", "another").Callback.Get("code"))

		late.SetUsers(t, reset)
		late.carriedOut(t)
		w.has(t, 1, 1)
		if !w.active(t, w.rs, anew.Member("access_token")) || w.gives(t, old) != "" {
			t.Errorf("the late replica ended what was begun with the new password\n%s", late.Log)
		}
		w.SetUsers(t, ada) // the password of before is another one too
		w.has(t, 0, 0)
	})
}

// fickle is a store that cannot sign anybody out now and then.
type fickle struct {
	store.Store
	failures *atomic.Int32
}

func (f fickle) SignOut(ctx context.Context, subject, mark string, now time.Time) (store.Ended, error) {
	if f.failures.Add(-1) >= 0 {
		return store.Ended{}, errDown
	}
	return f.Store.SignOut(ctx, subject, mark, now)
}

// A19: an outage at the wrong moment saves nobody, nor does a stop of the server.
func TestA19WhatIsToEndIsTriedAgain(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		var failures atomic.Int32
		on = open(on)
		on.Wrap = func(s store.Store) store.Store { return fickle{s, &failures} }
		w := peopleAt(t, authtest.Start(t, on))
		h := w.hold(t)
		failures.Store(2) // for two documents: then it takes the clock
		tried := func(left int32) {
			t.Helper()
			eventually(t, func() string {
				if failures.Load() > left {
					return "nobody tried"
				}
				return ""
			})
		}
		w.SetUsers(t, authtest.Person{Username: "ada", Disabled: true})
		tried(1)
		w.SetUsers(t, authtest.Person{Username: "ada"})
		tried(0)
		w.has(t, 0, 0)
		if got := w.gives(t, h); got != "" {
			t.Errorf("%q works", got)
		}

		h = w.hold(t)
		failures.Store(1 << 30)
		w.SetUsers(t, authtest.Person{Username: "ada", Disabled: true})
		w = w.at(t, w.Restart(t, authtest.Config{}))
		w.has(t, 0, 0)
		w.SetUsers(t, authtest.Person{Username: "ada"})
		h.browser.At(w.Server)
		if got := w.gives(t, h); got != "" {
			t.Errorf("after a restart %q works", got)
		}
	})
}

// Either all of it ends, and the audit log says so, or nothing does and it is tried
// again; a registrar hears of no sign-out that was none.
func TestA19AFailedSignOutEndsNothing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		var failures atomic.Int32
		on = open(on)
		on.Wrap = func(s store.Store) store.Store { return fickle{s, &failures} }
		w := peopleAt(t, authtest.Start(t, on))
		w.hold(t)
		failures.Store(1)
		if a := w.SendText(t, http.MethodDelete, "/registrar/v1/people/user/ada", authtest.RegistrarToken, ""); a.Status != http.StatusInternalServerError {
			t.Errorf("told %d %s", a.Status, a.Body)
		}
		w.has(t, 1, 1)
		if strings.Contains(w.Log.String(), "user.access_ended") {
			t.Error("what did not end is in the audit log")
		}
		failures.Store(1)
		w.SetUsers(t, authtest.Person{Username: "ada", Password: "another"})
		eventually(t, func() string {
			if failures.Load() > 0 {
				return "nobody tried"
			}
			return ""
		})
		w.SetUsers(t, authtest.Person{Username: "ada", Password: "another"})
		w.has(t, 0, 0)
		eventually(t, func() string {
			if !strings.Contains(w.Log.String(), `"cause":"password reset","sessions":1,"families":1`) {
				return "not in the audit log:\n" + w.Log.String()
			}
			return ""
		})
	})
}
