package desk

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// signIn puts a session and a refresh token family of somebody into the store.
func (w *world) signIn(t *testing.T, id, subject, username string) {
	t.Helper()
	now := time.Now()
	must(t, w.flows.PutSession(t.Context(), store.Session{
		ID: id, Hash: "hash of " + id, Subject: subject, Source: store.Source{Name: "corp"}, Username: username, UserAgent: "Browser\x1b[2J/1.0", Address: "192.0.2.1",
		Created: now.Add(-2 * time.Hour), Seen: now.Add(-time.Hour), Expires: now.Add(time.Hour),
	}))
	must(t, w.flows.PutFamily(t.Context(), store.Family{
		ID: id, Grant: store.Grant{ClientID: "shop.cli", Subject: subject, Access: []store.Access{{Resource: "https://api.example", Scopes: []string{"orders.read"}}}},
		Generation: 1, Current: "sealed", Created: now, Rotated: now, Expires: now.Add(time.Hour), IdleExpires: now.Add(time.Hour),
	}))
}

// A19: a person with the role of config/install.yaml, and no other right, signs somebody out.
func TestA19People(t *testing.T) {
	w := newWorld(t)
	pat := w.person(t, adminRef)
	people := func(args ...string) string {
		t.Helper()
		out, notes, err := runCommand(t, People, pat, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s%s", args, err, out, notes)
		}
		return out
	}
	const issuer = "https://idp.example"
	grace := oauth.UpstreamSubject(issuer, "00u1")
	w.signIn(t, "s1", grace, "grace@example.com")
	w.signIn(t, "s2", grace, "grace@example.com")
	w.signIn(t, "s3", "user/ada", "ada")
	w.signIn(t, "s4", "user/oidc/twin", "ADA")

	shown := people("show", grace)
	contains(t, shown, grace+": 2 sessions, 1 app", "USER NAME", "grace@example.com", "corp", "192.0.2.1", "120m ago", "60m ago", "shop.cli", "https://api.example", "orders.read", "UTC")
	if strings.Contains(shown, "\x1b") {
		t.Errorf("A9: what a browser says of itself moves the cursor: %q", shown)
	}
	var one oauth.Person
	must(t, json.Unmarshal([]byte(people("show", "--username", "Grace@example.com", "-o", "json")), &one))
	if one.Subject != grace || len(one.Sessions) != 2 || len(one.Apps) != 1 {
		t.Errorf("%+v", one)
	}
	w.signIn(t, "s5", "user/oidc/hopper", "Grace Hopper")
	contains(t, people("show", "--username", "grace hopper"), "user/oidc/hopper: 1 session, 1 app")
	contains(t, people("sign-out", "--issuer", issuer, "--id", "00u1"), grace+": signed out; ended: 2 sessions, 2 token families (refresh and access tokens)\n")
	contains(t, people("sign-out", "user/oidc/twin", grace, grace), grace+": signed out; ended: 0 sessions, 0 token families ", "user/oidc/twin: signed out; ended: 1 session, 1 token family ")
	contains(t, people("show", grace), grace+": 0 sessions, 0 apps\n")
	if left, err := w.store.SessionsOf(t.Context(), "user/ada", time.Now()); err != nil || len(left) != 1 {
		t.Errorf("somebody else was signed out: %v, %v", left, err)
	}
}

// What cannot be done is told with what to do about it.
func TestPeopleSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	pat := w.person(t, adminRef)
	w.signIn(t, "s3", "user/ada", "ada")
	w.signIn(t, "s4", "user/oidc/twin", "ADA")
	for i := range 101 {
		id := fmt.Sprint("sam", i)
		w.signIn(t, id, "user/oidc/"+id, "Sam")
	}
	for rule, c := range map[string]struct {
		config *rest.Config
		args   []string
		says   string
	}{
		"nobody":              {pat, []string{"sign-out"}, "name somebody by SUB"},
		"two ways":            {pat, []string{"sign-out", "user/ada", "--username", "ada"}, "name somebody by SUB"},
		"half a way":          {pat, []string{"show", "--issuer", "https://idp.example"}, "name somebody by SUB"},
		"a user name":         {pat, []string{"sign-out", "ada"}, `"ada" is no user's sub: want user/ID`},
		"no sub":              {pat, []string{"sign-out", "user/\u00e4"}, "is no user's sub"},
		"B27 a sub of before": {pat, []string{"sign-out", "user:ada"}, "is no user's sub: want user/ID"},
		"several":             {pat, []string{"sign-out", "--username", "ada"}, "several people are called \"ada\"; name one by SUB: user/ada, user/oidc/twin"},
		"unknown":             {pat, []string{"sign-out", "--username", "eve"}, "no local user is called \"eve\""},
		"very many":           {pat, []string{"show", "--username", "sam"}, "more than 100 people are called \"sam\"; name one by SUB"},
		"unreachable":         {pat, []string{"show", "user/ada", "--url", "http://127.0.0.1:1"}, "clientele people ... --url"},
		"A10 without role":    {w.person(t, rbacv1.RoleRef{}), []string{"sign-out", "user/ada"}, "It takes verb get on authorizationservers"},
		"A10 no registrar":    {pat, []string{"sign-out", "user/ada", "--service-account", "clientele-system/clientele-server"}, "clientele-system/clientele-server"},
	} {
		if _, _, err := runCommand(t, People, c.config, c.args...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", rule, err, c.says)
		}
	}
	w.Users.Forget() // as after a start, before the users Secret was read
	_, _, err := runCommand(t, People, pat, "sign-out", "--username", "ada")
	if err == nil {
		t.Fatal("signed out somebody while nobody knows who that is")
	}
	contains(t, err.Error(), "who the users are is not known yet; try again", "kubectl -n clientele-system describe authorizationserver default")
	if left, err := w.store.SessionsOf(t.Context(), "user/ada", time.Now()); err != nil || len(left) != 1 {
		t.Errorf("somebody was signed out: %v, %v", left, err)
	}
}
