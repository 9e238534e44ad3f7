package authorize

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// TestASessionThatBeganForTheRequest: when the person gave a password last is another
// question, for at their provider they may have been signed in for long.
func TestASessionThatBeganForTheRequest(t *testing.T) {
	came := time.Unix(1_900_000_000, 0)
	p := Pending{Issued: came, Session: "there"}
	login := &Request{Prompt: oauth.PromptLogin}
	for name, c := range map[string]struct {
		session  store.Session
		seen     bool // its person saw the sign-in page
		newLogin bool // prompt=login is satisfied
	}{
		"signed in anew":                    {store.Session{Created: came.Add(time.Second), AuthTime: came.Add(time.Second)}, true, true},
		"by single sign-on":                 {store.Session{Created: came.Add(time.Second), AuthTime: came.Add(-time.Hour)}, true, false},
		"of whom the provider says nothing": {store.Session{Created: came.Add(time.Second)}, true, false},
		"before":                            {store.Session{Created: came.Add(-time.Second), AuthTime: came.Add(-time.Second)}, false, false},
		"in the same second, and there":     {store.Session{ID: "there", Created: came, AuthTime: came}, false, false},
		"in the same second, and new":       {store.Session{ID: "new", Created: came, AuthTime: came}, true, true},
	} {
		if got := p.SignedInFor(&c.session); got != c.seen {
			t.Errorf("%s: SignedInFor %v", name, got)
		}
		if got := !needsSignIn(login, p, &c.session); got != c.newLogin {
			t.Errorf("%s: prompt=login satisfied %v", name, got)
		}
	}
}
