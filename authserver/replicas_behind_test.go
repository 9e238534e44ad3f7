package authserver_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

func decodeJSON(t *testing.T, a authtest.Answer, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
}

// deaf is a store that tells nobody of changes, and counts how often it is read.
type deaf struct {
	store.Store
	readings atomic.Int64
}

func (d *deaf) Await(ctx context.Context, _ int64) error {
	<-ctx.Done()
	return ctx.Err()
}

func (d *deaf) Changes(ctx context.Context, id string, since int64) (store.Changes, error) {
	d.readings.Add(1)
	return d.Store.Changes(ctx, id, since)
}

// behind are replicas of which there is told nothing.
func behind(t *testing.T) (here, there *people, d *deaf) {
	t.Helper()
	on := open(authtest.Config{Postgres: postgres.Server(t)}, func(r *endpoint.RegistrationSettings) { r.PerAddressMinute = 100 })
	here = peopleAt(t, authtest.Start(t, on))
	d = &deaf{}
	there = here.at(t, here.Replica(t, authtest.Config{Wrap: func(s store.Store) store.Store {
		d.Store = s
		return d
	}}))
	// Its first reading may be under way still.
	soon(t, "two readings at the start", func() bool { return d.readings.Load() >= 2 })
	return here, there, d
}

// TestAReplicaAsksBeforeItRefuses: what another one accepted is good at the one
// that was not told yet. One case after the other, each a client of its own.
func TestAReplicaAsksBeforeItRefuses(t *testing.T) {
	here, there, _ := behind(t)
	register := func(name string, change ...func(*oauth.Registration)) authtest.Client {
		return here.MustRegister(t, authtest.NewClient(name, change...))
	}
	there.MustToken(t, register("unknown"))

	c := register("secret")
	there.MustToken(t, c)
	there.MustToken(t, here.MustRegister(t, rotated(c)))

	c = changed(register("disabled", func(r *oauth.Registration) { r.Managed.Disabled = true }), func(_ *authtest.Client, m *oauth.Managed) { m.Disabled = false })
	refused(t, "a disabled client", there.Token(t, c), "invalid_client")
	there.MustToken(t, here.MustRegister(t, c))

	token := here.MustToken(t, register("introspected"))
	if !there.active(t, register("itself"), token) && !there.active(t, there.rs, token) {
		t.Log("neither is named by a policy: nothing to see")
	}
	scoped := register("scoped", func(r *oauth.Registration) { r.Scope, r.Managed.Resources = "read", []string{api} })
	if !there.active(t, there.rs, here.MustToken(t, scoped, "resource", api)) {
		t.Error("the token of a client that it does not know is not active")
	}

	id, registrationToken := mustSelfRegister(t, here.Server, seed1)
	if a := there.SendText(t, http.MethodGet, "/oauth/register/"+id, registrationToken, ""); a.Status != http.StatusOK {
		t.Errorf("a client that registered itself at the other replica reads itself: %d %s", a.Status, a.Body)
	}
	id, registrationToken = mustSelfRegister(t, here.Server, seed1)
	body := `{"client_id":"` + id + `","redirect_uris":["https://myapp.com/elsewhere"]}`
	if a := there.SendText(t, http.MethodPut, "/oauth/register/"+id, registrationToken, body); a.Status != http.StatusOK {
		t.Errorf("and changes itself: %d %s", a.Status, a.Body)
	}

	public := register("public-app", authtest.WithCode("read", api), authtest.Public)
	if page := there.browser.Get(t, there.AuthorizeURL(public)); !page.AsksPassword() {
		t.Errorf("a browser of a client that registered at the other replica: %d %s", page.Status, page.Body)
	}
}

// TestA12AskingTellsNothing: the store is asked for an unknown client as it is for
// a wrong secret, once each, and the answers look the same.
func TestA12AskingTellsNothing(t *testing.T) {
	_, there, d := behind(t)
	wrong := there.machine
	wrong.Secret = credential.NewClientSecret()
	disabled := there.MustRegister(t, authtest.NewClient("disabled", func(r *oauth.Registration) { r.Managed.Disabled = true }))
	var answers []authtest.Answer
	for rule, c := range map[string]authtest.Client{"wrong secret": wrong, "unknown client": authtest.NewClient("nobody"), "disabled": disabled} {
		before := d.readings.Load()
		answers = append(answers, there.Token(t, c))
		if n := d.readings.Load() - before; n != 1 {
			t.Errorf("%s: the store was read %d times", rule, n)
		}
	}
	for _, a := range answers[1:] {
		if a.Status != http.StatusUnauthorized || a.Status != answers[0].Status || a.Body != answers[0].Body {
			t.Errorf("%d %s, and %d %s", a.Status, a.Body, answers[0].Status, answers[0].Body)
		}
	}
	before := d.readings.Load()
	there.MustToken(t, there.machine)
	if d.readings.Load() != before {
		t.Error("the store was read for a client that is known")
	}
}

// TestAFloodOfMadeUpClientsCostsLittle, and does not hide the one that is there.
func TestAFloodOfMadeUpClientsCostsLittle(t *testing.T) {
	here, there, d := behind(t)
	before, began := d.readings.Load(), time.Now()
	parallel(300, func(int) {
		c := authtest.NewClient("made-up-" + strings.ToLower(credential.NewID()))
		if a := there.Token(t, c); a.Error() != "invalid_client" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	there.MustToken(t, here.MustRegister(t, authtest.NewClient("real")))
	const each = 20 * time.Millisecond // registry.betweenReadings
	if n, most := d.readings.Load()-before, int64(time.Since(began)/each)+2; n > most {
		t.Errorf("%d readings for 301 clients, want %d at most", n, most)
	}
}

// TestF13NotificationsAreLost, and polling finds what they would have told.
func TestF13NotificationsAreLost(t *testing.T) {
	here := authtest.Start(t, authtest.Config{Postgres: postgres.Server(t)})
	c := here.MustRegister(t, authtest.NewClient("app"))
	there := here.Replica(t, authtest.Config{}) // polls
	there.MustToken(t, c)
	there.Deafen(t)
	here.MustRegister(t, changed(c, func(_ *authtest.Client, m *oauth.Managed) { m.Disabled = true }))
	soon(t, "a disabled client is refused", func() bool { return there.Token(t, c).Error() == "invalid_client" })
}

// TestF13AReplicaListensAgain after its connection broke: it polls for nothing.
func TestF13AReplicaListensAgain(t *testing.T) {
	here, there := replicas(t)
	there.Deafen(t)
	here.MustRegister(t, changed(here.machine, func(_ *authtest.Client, m *oauth.Managed) { m.Disabled = true }))
	there.MustToken(t, there.machine) // nobody told it
	there.Reconnect(t)
	soon(t, "a disabled client is refused", func() bool { return there.Token(t, there.machine).Error() == "invalid_client" })
}

// TestF13AReplicaThatIsCutOff from the database serves what it knows for as long
// as that is sure enough, then stops, and when it is back it revives nothing.
func TestF13AReplicaThatIsCutOff(t *testing.T) {
	here := authtest.Start(t, authtest.Config{Postgres: postgres.Server(t)})
	c := here.MustRegister(t, authtest.NewClient("app"))
	there := here.Replica(t, authtest.Config{})
	there.MustToken(t, c)
	there.CutOff(t)
	if a := there.Token(t, authtest.NewClient("nobody")); a.Status != http.StatusServiceUnavailable {
		t.Errorf("an outage looks like a wrong client: %d %s", a.Status, a.Body)
	}
	there.MustToken(t, c)
	next := here.MustRegister(t, rotated(c))
	here.Clock.Advance(29 * time.Second)
	there.MustToken(t, c)
	here.Clock.Advance(2 * time.Second)
	stopped(t, there, c, "store")
	here.Pass(t, 0)
	here.MustToken(t, next)

	there.Reconnect(t)
	there.Pass(t, 0)
	refused(t, "the secret that was replaced meanwhile", there.Token(t, c), "invalid_client")
	there.MustToken(t, next)
}

// TestF8AnOutageOfPostgreSQLIsNoAnswer: whatever needs a row fails, and nobody is
// told that a token, a code or a client is wrong.
func TestF8AnOutageOfPostgreSQLIsNoAnswer(t *testing.T) {
	w := peopleAt(t, authtest.Start(t, open(authtest.Config{Postgres: postgres.Server(t)})))
	access, refresh := w.tokens(t, w.app, "resource", api)
	code := w.Code(t, w.browser, w.app, "ada", "resource", api)
	asked, err := url.Parse(w.AuthorizeURL(w.public, "resource", api))
	if err != nil {
		t.Fatal(err)
	}
	fresh := w.NewBrowser(t)
	signIn := fresh.Get(t, w.AuthorizeURL(w.app))
	w.CutOff(t)
	for rule, a := range map[string]authtest.Answer{
		"introspect":        w.postAs(t, w.rs, "/oauth/introspect", "token", access),
		"userinfo":          w.userinfo(t, access),
		"refresh":           w.Refresh(t, w.app, refresh),
		"code":              w.Exchange(t, w.app, code),
		"revoke":            w.postAs(t, w.app, "/oauth/revoke", "token", refresh),
		"push":              w.Do(t, http.MethodPost, "/oauth/par", asked.RawQuery, "Content-Type", formType),
		"register":          selfRegister(t, w.Server, seed1),
		"a managed client":  w.Register(t, authtest.NewClient("new").Registration),
		"an unknown client": w.Token(t, authtest.NewClient("nobody")),
		"the account page":  w.browser.Get(t, w.Issuer+"/account").Answer,
	} {
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.JSON()["active"] != nil || strings.Contains(a.Body, "pg") || strings.Contains(a.Body, "SQLSTATE") {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
	for rule, page := range map[string]authtest.Page{
		"sign in":   fresh.SignIn(t, signIn, "ada"),
		"authorize": w.browser.Get(t, w.AuthorizeURL(w.app, "resource", api)),
	} {
		if page.Callback.Get("error") != "temporarily_unavailable" {
			t.Errorf("%s: %d %s, want the app told to try again", rule, page.Status, page.URL)
		}
	}
	w.MustToken(t, w.machine) // from memory
	w.Reconnect(t)
	if !w.active(t, w.rs, access) || !w.refreshes(t, w.app, refresh) {
		t.Error("an outage ended a token")
	}
	w.MustExchange(t, w.app, code)
}
