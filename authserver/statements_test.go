package authserver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/storetest"
)

// TestStatementsOfARequest holds what each operation asks of the store: a
// statement more is a decision, for it is what these operations cost.
func TestStatementsOfARequest(t *testing.T) {
	var counting *storetest.Counting
	w := users(t, authtest.Config{Wrap: func(s store.Store) store.Store {
		counting = &storetest.Counting{Store: s}
		return counting
	}})
	b := w.NewBrowser(t)
	trusted := w.MustRegister(t, authtest.NewClient("trusted", authtest.WithCode("orders.read", orders), trusted))
	tokens := w.MustExchange(t, w.web, w.Code(t, b, w.web, "ada")) // signed in, and asked
	access, refresh := tokens.Member("access_token"), tokens.Member("refresh_token")
	form := func(path, name, value string) func() authtest.Answer {
		return func() authtest.Answer {
			body := name + "=" + value + "&client_id=" + w.web.Registration.ClientID + "&client_secret=" + w.web.Secret.Reveal()
			return w.Do(t, "POST", path, body, "Content-Type", formType)
		}
	}
	for _, c := range []struct {
		operation string
		do        func() authtest.Answer
		want      map[string]int
	}{
		{"code flow", func() authtest.Answer {
			return w.MustExchange(t, w.web, b.Get(t, w.AuthorizeURL(w.web)).Callback.Get("code"))
		}, map[string]int{"Session": 1, "Consent": 2, "PutCode": 1, "Code": 1, "TakeCode": 1, "PutFamily": 1}},
		{"introspection", form("/oauth/introspect", "token", access), map[string]int{"Family": 1}},
		{"introspection of a refresh token", form("/oauth/introspect", "token", refresh), map[string]int{"Family": 1, "Consent": 1}},
		{"refresh", func() authtest.Answer { return w.Refresh(t, w.web, refresh) }, map[string]int{"Family": 1, "Consent": 1, "AdvanceFamily": 1}},
		{"code flow of a trusted app", func() authtest.Answer {
			return w.MustExchange(t, trusted, b.Get(t, w.AuthorizeURL(trusted)).Callback.Get("code"))
		}, map[string]int{"Session": 1, "Consent": 1, "Withdrawn": 2, "PutCode": 1, "Code": 1, "TakeCode": 1, "PutFamily": 1}},
	} {
		before := counting.Calls()
		if a := c.do(); a.Status != 200 {
			t.Errorf("%s: %d %s", c.operation, a.Status, a.Body)
		}
		got := counting.Calls()
		for method, n := range before {
			if got[method] -= n; got[method] == 0 {
				delete(got, method)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, calls of the store (-want +got):\n%s", c.operation, diff)
		}
	}
}
