package signin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

func newSessions(t *testing.T, m *memory) (Sessions, *Local) {
	t.Helper()
	l := &Local{}
	l.Set(directory(t, twoUsers))
	corp := upstreamsOf(t, Provider{Name: atCorp.Name, Issuer: atCorp.Issuer, ClientID: atCorp.ClientID})
	return Sessions{Store: m, Roster: Roster{Local: l, Upstreams: func() *Upstreams { return corp }}}, l
}

func upstreamsOf(t *testing.T, providers ...Provider) *Upstreams {
	t.Helper()
	u, err := NewUpstreams(UpstreamOptions{Providers: providers, Issuer: "https://auth.example"})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// welcome asks a roster that knows.
func welcome(t *testing.T, r Roster, subject string, from store.Source) bool {
	t.Helper()
	ok, err := r.Welcome(subject, from)
	if err != nil {
		t.Errorf("Welcome(%s): %v", subject, err)
	}
	return ok
}

var (
	// stamped as a sign-in does it
	ada    = User{Subject: "user/7f3c1d", Source: store.Source{Name: SourceLocal, Stamp: stampOf(rightHash())}, Username: "Ada"}
	atCorp = store.Source{Name: "corp", Issuer: "https://idp.example", ClientID: "us"}
)

// A20: a cookie value that was in the browser before the sign-in, planted or
// not, is worth nothing after it.
func TestA20SignInMakesANewCookieAndEndsTheOldSession(t *testing.T) {
	m, ctx := newMemory(), context.Background()
	s, _ := newSessions(t, m)
	first, _, err := s.Start(ctx, ada, Browser{}, "planted-by-an-attacker", noon)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := s.Start(ctx, ada, Browser{}, first, noon)
	if err != nil {
		t.Fatal(err)
	}
	if first == second || first == "planted-by-an-attacker" || len(second.Reveal()) < 43 {
		t.Errorf("the cookie values are not new: %d and %d characters", len(first.Reveal()), len(second.Reveal()))
	}
	for _, old := range []credential.Secret{first, "planted-by-an-attacker", credential.NewSessionCookie(), "", credential.Secret(strings.Repeat("x", 4000))} {
		if _, err := s.Load(ctx, old, noon); !errors.Is(err, ErrNoSession) {
			t.Errorf("an old cookie loads: %v", err)
		}
	}
	loaded, err := s.Load(ctx, second, noon)
	if err != nil || loaded.Subject != ada.Subject {
		t.Fatalf("got %v, %v", loaded.Subject, err)
	}
	for _, stored := range m.sessions {
		if stored.Hash == second.Reveal() || stored.ID == second.Reveal() || stored.Hash != credential.Hash(second.Reveal()) {
			t.Error("the store knows the cookie value")
		}
	}
}

func TestSessionEnds(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		change func(*Sessions, *Local)
		after  time.Duration
		gone   bool
	}{
		"used soon":          {nil, time.Hour, false},
		"too old":            {nil, 12 * time.Hour, true},
		"short lifetime":     {func(s *Sessions, _ *Local) { s.Lifetime = time.Minute }, time.Minute, true},
		"idle":               {func(s *Sessions, _ *Local) { s.Idle = time.Hour }, time.Hour, true},
		"not idle":           {func(s *Sessions, _ *Local) { s.Idle = time.Hour }, 59 * time.Minute, false},
		"A11 user disabled":  {func(_ *Sessions, l *Local) { l.Set(directory(t, disabledAda)) }, 0, true},
		"A11 password reset": {func(_ *Sessions, l *Local) { l.Set(directory(t, strings.ReplaceAll(twoUsers, "HASH", anotherHash()))) }, 0, true},
		"same password kept": {func(_ *Sessions, l *Local) {
			l.Set(directory(t, strings.ReplaceAll(twoUsers, "Ada Lovelace", "Ada King")))
		}, 0, false},
		"A11 user removed": {func(_ *Sessions, l *Local) { l.Set(nil) }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := newSessions(t, newMemory())
			if c.change != nil && strings.Contains(name, "lifetime") {
				c.change(&s, l)
			}
			value, _, err := s.Start(ctx, ada, Browser{}, "", noon)
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(&s, l)
			}
			_, err = s.Load(ctx, value, noon.Add(c.after))
			if errors.Is(err, ErrNoSession) != c.gone || err != nil && !c.gone {
				t.Errorf("got %v, want gone %v", err, c.gone)
			}
		})
	}
}

// What was refused is over for good, also if the settings allow longer afterwards.
func TestASessionThatIsOverStaysSo(t *testing.T) {
	for name, over := range map[string]func(*Sessions){
		"idle":             func(s *Sessions) { s.Idle = 5 * time.Hour },
		"shorter lifetime": func(s *Sessions) { s.Lifetime = 5 * time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			before, _ := newSessions(t, m)
			value, _, err := before.Start(t.Context(), ada, Browser{}, "", noon)
			if err != nil {
				t.Fatal(err)
			}
			after := before
			over(&after)
			for _, s := range []Sessions{after, before} {
				if _, err := s.Load(t.Context(), value, noon.Add(5*time.Hour)); !errors.Is(err, ErrNoSession) {
					t.Errorf("loaded where it lasts %s, %s unused: %v", s.Lifetime, s.Idle, err)
				}
			}
			if len(m.sessions) != 0 {
				t.Error("it is still there")
			}
		})
	}
}

// anotherHash is of another password.
var anotherHash = sync.OnceValue(func() string {
	h, err := HashPassword("left")
	if err != nil {
		panic(err)
	}
	return h
})

// A4, A11: what was begun with another password ends, whoever asks.
func TestA4A11AnotherPasswordEndsWhatTheOldOneBegan(t *testing.T) {
	s, l := newSessions(t, newMemory())
	begun, _, _ := l.User(ada.Subject)
	check := func(when string, from store.Source, want bool) {
		t.Helper()
		_, current, err := s.Roster.Current(store.Session{Subject: ada.Subject, Source: from})
		if got := welcome(t, s.Roster, ada.Subject, from); got != want || current != want || err != nil {
			t.Errorf("%s: welcome %v, current %v, %v, want %v", when, got, current, err, want)
		}
	}
	check("before", begun.Source, true)
	l.Set(directory(t, strings.ReplaceAll(twoUsers, "HASH", anotherHash())))
	check("reset", begun.Source, false)
	check("no stamp at all", store.Source{Name: SourceLocal}, false)
	anew, _, _ := l.User(ada.Subject)
	check("signed in anew", anew.Source, true)
	l.Set(directory(t, disabledAda))
	check("disabled", anew.Source, false)
}

const disabledAda = `users: [{username: ada, id: 7f3c1d, passwordHash: "HASH", disabled: true}]`

// otherCorps are providers that stood in the settings once: under another name, at
// another issuer, with another client id, with neither.
func otherCorps() map[string]store.Source {
	return map[string]store.Source{
		"removed":           {Name: "gone", Issuer: atCorp.Issuer, ClientID: atCorp.ClientID},
		"another issuer":    {Name: atCorp.Name, Issuer: "https://old.example", ClientID: atCorp.ClientID},
		"another client id": {Name: atCorp.Name, Issuer: atCorp.Issuer, ClientID: "old"},
		"not known":         {Name: atCorp.Name},
	}
}

func TestA11SessionsOfARemovedProviderEnd(t *testing.T) {
	m := newMemory()
	s, _ := newSessions(t, m)
	sources := otherCorps()
	sources["the same"] = atCorp
	for name, source := range sources {
		ok, value := name == "the same", credential.NewSessionCookie()
		if err := m.PutSession(t.Context(), store.Session{
			ID: name, Hash: credential.Hash(value.Reveal()), Subject: oauth.UpstreamSubject("i", "s"), Source: source, Created: noon, Seen: noon, Expires: noon.Add(time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.Start(t.Context(), User{Subject: oauth.UpstreamSubject("i", "s"), Source: source}, Browser{}, "", noon)
		if (err == nil) != ok || !ok && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: begins with %v", name, err)
		}
		if _, err := s.Load(context.Background(), value, noon); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRosterKnowsWhoMayGoOn(t *testing.T) {
	s, l := newSessions(t, newMemory())
	up := oauth.UpstreamSubject("https://idp.example", "x")
	for subject, from := range map[string]store.Source{ada.Subject: ada.Source, up: atCorp} {
		if !welcome(t, s.Roster, subject, from) {
			t.Errorf("%s is not welcome", subject)
		}
	}
	for _, subject := range []string{"user/bob", "user/nobody", "team.app"} {
		if welcome(t, s.Roster, subject, ada.Source) || welcome(t, s.Roster, subject, atCorp) {
			t.Errorf("%s is welcome", subject)
		}
	}
	for name, source := range otherCorps() {
		if welcome(t, s.Roster, up, source) {
			t.Errorf("somebody of a provider that is %s is welcome", name)
		}
	}
	if welcome(t, Roster{Local: l}, up, atCorp) {
		t.Error("without any provider somebody of one is welcome")
	}
	if got := s.Roster.Roles(ada.Subject, []string{"old"}); strings.Join(got, " ") != "admin author" {
		t.Errorf("the roles of a local user are %v, want those of now", got)
	}
	if got := s.Roster.Roles(up, []string{"old"}); strings.Join(got, " ") != "old" {
		t.Errorf("the roles of an upstream user are %v, want those at sign-in", got)
	}
	if got := s.Roster.Tenant(ada.Subject, "old"); got != "acme" {
		t.Errorf("the tenant of a local user is %q, want that of now", got)
	}
	if got := s.Roster.Tenant(up, "old"); got != "old" {
		t.Errorf("the tenant of an upstream user is %q, want that at sign-in", got)
	}
	l.Set(nil)
	if welcome(t, s.Roster, ada.Subject, ada.Source) || len(s.Roster.Roles(ada.Subject, []string{"old"})) != 0 {
		t.Error("a removed user goes on")
	}
}

// TestWhoIsNotKnownYetIsNotRefused: as after a start, before the local users or the
// providers were read. Each is an outage for its own people only.
func TestWhoIsNotKnownYetIsNotRefused(t *testing.T) {
	up := oauth.UpstreamSubject(atCorp.Issuer, "x")
	for name, c := range map[string]struct {
		forget         func(*Roster)
		adas, upstream bool // not known
	}{
		"no users":     {func(r *Roster) { r.Local.Forget() }, true, false},
		"no providers": {func(r *Roster) { r.Upstreams = func() *Upstreams { return nil } }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newSessions(t, newMemory())
			before := s
			before.Roster.Local = &Local{}
			before.Roster.Local.Set(directory(t, twoUsers))
			c.forget(&s.Roster)
			for _, person := range []struct {
				User
				unknown bool
			}{{ada, c.adas}, {User{Subject: up, Source: atCorp}, c.upstream}} {
				value, _, err := before.Start(t.Context(), person.User, Browser{}, "", noon)
				if err != nil {
					t.Fatal(err)
				}
				ok, err := s.Roster.Welcome(person.Subject, person.Source)
				_, loads := s.Load(t.Context(), value, noon)
				if ok == person.unknown {
					t.Errorf("%s: Welcome is %v", person.Subject, ok)
				}
				for what, err := range map[string]error{"Welcome": err, "Load": loads} {
					outage := errors.Is(err, ErrNotKnown) && oauth.CodeOf(err) == oauth.CodeTemporarilyUnavailable
					if outage != person.unknown || err != nil && !outage {
						t.Errorf("%s of %s: %v, want an outage: %v", what, person.Subject, err, person.unknown)
					}
				}
			}
			if welcome(t, s.Roster, "team.app", ada.Source) {
				t.Error("a client is welcome")
			}
		})
	}
}

func TestSessionShowsThePersonAsOfNow(t *testing.T) {
	s, _ := newSessions(t, newMemory())
	value, _, err := s.Start(context.Background(), User{Subject: ada.Subject, Source: ada.Source, Roles: []string{"former"}}, Browser{"Fire\nfox\x00", "192.0.2.1"}, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Load(context.Background(), value, noon)
	if err != nil || strings.Join(got.Roles, " ") != "admin author" || got.Name != "Ada Lovelace" || got.UserAgent != "Firefox" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSessionIsTouchedOnceAMinute(t *testing.T) {
	m := newMemory()
	s, _ := newSessions(t, m)
	value, _, err := s.Start(context.Background(), ada, Browser{}, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	for second := range 121 {
		if _, err := s.Load(context.Background(), value, noon.Add(time.Duration(second)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if m.touched != 2 {
		t.Errorf("%d writes in two minutes, want 2", m.touched)
	}
}

func TestAnOutageIsNotSignedOut(t *testing.T) {
	m := newMemory()
	s, _ := newSessions(t, m)
	m.fail = errors.New("disk full")
	cookie := credential.NewSessionCookie()
	if _, err := s.Load(context.Background(), cookie, noon); errors.Is(err, ErrNoSession) || err == nil {
		t.Errorf("Load: %v", err)
	}
	if _, err := s.End(context.Background(), cookie, noon); err == nil || errors.Is(err, ErrNoSession) {
		t.Errorf("End: %v", err)
	}
	if _, _, err := s.Start(context.Background(), ada, Browser{}, "", noon); err == nil {
		t.Error("Start says it has started")
	}
}

func TestEndingASession(t *testing.T) {
	s, _ := newSessions(t, newMemory())
	value, _, err := s.Start(context.Background(), ada, Browser{}, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	if ended, err := s.End(context.Background(), value, noon); err != nil || ended.Subject != ada.Subject {
		t.Fatalf("ended %+v, %v", ended, err)
	}
	for _, nothing := range []credential.Secret{value, "", credential.NewSessionCookie()} {
		if ended, err := s.End(context.Background(), nothing, noon); !errors.Is(err, ErrNoSession) || ended.ID != "" {
			t.Errorf("ended %+v, %v", ended, err)
		}
	}
	if _, err := s.Load(context.Background(), value, noon); !errors.Is(err, ErrNoSession) {
		t.Errorf("got %v", err)
	}
}

func TestA20CookieAttributes(t *testing.T) {
	for issuer, secure := range map[string]bool{"https://login.example": true, "http://127.0.0.1:8080": false} {
		c, err := NewCookies(issuer)
		if err != nil {
			t.Fatal(err)
		}
		all := append([]*http.Cookie{c.Session("v", 0), c.Session("v", time.Hour), c.PreSession("v"), c.EndSession()}, append(c.setFlow("v"), c.EndUpstream()...)...)
		for _, cookie := range all {
			if strings.HasPrefix(cookie.Name, "__Host-") != secure || cookie.Secure != secure || !cookie.HttpOnly ||
				cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Valid() != nil {
				t.Errorf("%s: %s", issuer, cookie)
			}
		}
	}
}

func TestCookiesOfTwoServersOnOneHostDiffer(t *testing.T) {
	names := map[string]string{}
	for _, issuer := range []string{"http://127.0.0.1:8080", "http://127.0.0.1:8081", "https://h.example", "https://h.example/a", "https://h.example:8443"} {
		c, err := NewCookies(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if other, taken := names[c.Session("", 0).Name]; taken {
			t.Errorf("%s and %s have the same cookie", issuer, other)
		}
		names[c.Session("", 0).Name] = issuer
	}
	for _, bad := range []string{"", "login.example", "ftp://h.example", "://"} {
		if _, err := NewCookies(bad); err == nil {
			t.Errorf("accepted the issuer %q", bad)
		}
	}
}

func TestCookieThatComesTwiceIsNone(t *testing.T) {
	c, _ := NewCookies("http://127.0.0.1:8080")
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if c.ReadSession(r) != "" {
		t.Error("a cookie out of nothing")
	}
	r.AddCookie(c.Session("mine", 0))
	r.AddCookie(c.Session("mine", 0))
	if c.ReadSession(r).Reveal() != "mine" {
		t.Error("the cookie is not read")
	}
	r.AddCookie(c.Session("planted", 0))
	if c.ReadSession(r) != "" {
		t.Error("one of two different cookies is believed")
	}
	if c.ReadPreSession(r) != "" {
		t.Error("one cookie is taken for another")
	}
}

var _ store.Sessions = (*memory)(nil)
