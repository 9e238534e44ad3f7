package authserver_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
)

// audited are the audit events of a name, in their order, each without what is the
// same for all.
func audited(t *testing.T, s *authtest.Server, name string) []map[string]string {
	t.Helper()
	var events []map[string]string
	for line := range strings.Lines(s.Log.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e["event"] != name {
			continue
		}
		event := map[string]string{}
		for k, v := range e {
			if text, ok := v.(string); ok && !slices.Contains([]string{"time", "level", "msg", "event"}, k) {
				event[k] = text
			}
		}
		events = append(events, event)
	}
	return events
}

// What people decide, and who changed what they decide about, is told with whom it was
// and where from.
func TestWhatPeopleDecideIsAudited(t *testing.T) {
	w, _ := newAccount(t, authtest.Config{Settings: endpoint.Settings{TrustedProxies: []string{"127.0.0.1"}}})
	const remote = "203.0.113.9"
	b := from(t, w.Server, remote)
	subject, id := authtest.Person{Username: "ada"}.Subject(), w.app.Registration.ClientID
	of := map[string]string{"subject": subject, "client_id": id, "remote": remote}
	want := func(name string, events ...map[string]string) {
		t.Helper()
		if got := audited(t, w.Server, name); !slices.EqualFunc(got, events, func(a, b map[string]string) bool { return maps.Equal(a, b) }) {
			t.Errorf("%s: %v, want %v", name, got, events)
		}
	}
	asked := w.AuthorizeURL(w.app, "resource", api)
	page := b.SignIn(t, b.Get(t, asked), "ada")
	b.Submit(t, page, "decision", "deny")
	want("consent.denied", of)
	want("consent.given")
	b.Complete(t, b.Get(t, asked), "ada")
	want("consent.given", of)
	if again := b.Get(t, asked); !again.Callback.Has("code") {
		t.Fatalf("%d %s", again.Status, again.URL)
	}
	want("consent.given", of) // nobody was asked

	// Another browser, ended from this one; then what an app has; then this one.
	other := from(t, w.Server, "198.51.100.1")
	other.SignIn(t, other.Get(t, w.URL+"/account"), "ada")
	press := func(prefix string) {
		t.Helper()
		found := forms(b.Get(t, w.URL+"/account"))
		for _, name := range slices.Sorted(maps.Keys(found)) {
			if strings.HasPrefix(name, prefix) {
				w.postPage(t, b, "/account/"+strings.Fields(name)[0], found[name])
				return
			}
		}
		t.Fatalf("no form %s among %v", prefix, slices.Collect(maps.Keys(found)))
	}
	press("end-session ")
	session := map[string]string{"subject": subject, "remote": remote}
	want("user.session_ended", session)
	want("consent.withdrawn")
	csrf := ""
	for name, form := range forms(b.Get(t, w.URL+"/account")) {
		if strings.HasPrefix(name, "withdraw ") {
			csrf = form.Get("csrf")
		}
	}
	press("withdraw " + id)
	want("consent.withdrawn", of)
	// What is no client id is told nowhere.
	for _, made := range []string{"", "planted\n", strings.Repeat("planted", 1000)} {
		if a := w.postPage(t, b, "/account/withdraw", url.Values{"csrf": {csrf}, "client_id": {made}}); a.Status != http.StatusForbidden {
			t.Errorf("%.20q: %d", made, a.Status)
		}
	}
	want("consent.withdrawn", of)
	// A decision is told, also of an app that has nothing to lose at the moment; once.
	trusts := w.MustRegister(t, authtest.NewClient("trusts", authtest.WithCode("read", api), trusted)).Registration.ClientID
	for _, other := range []string{id, trusts} {
		if a := w.postPage(t, b, "/account/withdraw", url.Values{"csrf": {csrf}, "client_id": {other}}); !strings.Contains(a.Body, "Access withdrawn") {
			t.Errorf("%s: %d %s", other, a.Status, a.Body)
		}
	}
	want("consent.withdrawn", of, map[string]string{"subject": subject, "client_id": trusts, "remote": remote})
	press("sign-out")
	want("user.session_ended", session, session)
	// Of whoever is gone the session is ended, and told, too.
	b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
	w.SetUsers(t)
	b.Get(t, w.URL+"/oauth/logout")
	want("user.session_ended", session, session, session)
	if strings.Contains(w.Log.String(), "planted") {
		t.Error("the log has what was made up")
	}
}

func TestWhereAppsRegisterFromIsAudited(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{Settings: endpoint.Settings{TrustedProxies: []string{"127.0.0.1"}}}))
	managed := s.MustRegister(t, authtest.NewClient("managed"))
	app := register(t, s, "203.0.113.9")
	app.from = "203.0.113.10"
	app.put(t, "")
	app.put(t, "javascript:x")
	app.send(t, http.MethodDelete, app.token, "")
	for event, want := range map[string]string{
		"client.updated": "203.0.113.10", "client.deleted": "203.0.113.10", "registration.refused": "203.0.113.10",
	} {
		if got := audited(t, s, event); len(got) != 1 || got[0]["remote"] != want || got[0]["client_id"] != app.id {
			t.Errorf("%s: %v", event, got)
		}
	}
	got := audited(t, s, "client.registered")
	if len(got) != 2 || got[0]["client_id"] != managed.Registration.ClientID || got[0]["remote"] != "" || got[1]["remote"] != "203.0.113.9" {
		t.Errorf("client.registered: %v", got)
	}
}
