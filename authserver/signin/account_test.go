package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

func accountOf(m *memory) Account {
	return Account{Consents: m, Families: m, Sessions: Sessions{Store: m}}
}

func TestAccountListsAppsWithAccess(t *testing.T) {
	m := newMemory()
	m.consents = []store.Consent{
		{Subject: "user/a", ClientID: "b.app", Resource: "https://api", Scopes: words("read write"), Granted: noon},
		{Subject: "user/z", ClientID: "z.app", Resource: "https://api", Scopes: words("read"), Granted: noon},
	}
	until := noon.Add(time.Hour)
	m.consents = append(m.consents,
		store.Consent{Subject: "user/a", ClientID: "d.stranger", Resource: "https://api", Place: "https://z.example", Scopes: words("x"), Granted: noon},
		store.Consent{Subject: "user/a", ClientID: "d.stranger", Resource: "https://api", Place: "https://a.example", Scopes: words("y"), Granted: noon})
	m.families = []store.Family{
		{Grant: store.Grant{Subject: "user/a", ClientID: "b.app", Access: []store.Access{{Resource: "https://api", Scopes: words("read offline_access")}, {Resource: "https://more", Scopes: words("read")}}}, Created: noon.Add(time.Minute), Current: "sealed", Expires: until.Add(time.Hour), IdleExpires: until},
		{Grant: store.Grant{Subject: "user/a", ClientID: "a.trusted", Access: []store.Access{{Resource: "https://api2", Scopes: words("x")}}}, Created: noon, Current: "sealed", Expires: until},
		// An access token without a refresh token, which ends with it.
		{Grant: store.Grant{Subject: "user/a", ClientID: "c.trusted", Access: []store.Access{{Resource: "https://api2", Scopes: words("x")}}}, Created: noon, Expires: until, IdleExpires: until},
		{Grant: store.Grant{Subject: "user/a", ClientID: "revoked", Access: []store.Access{{Resource: "https://api2"}}}, Revoked: noon},
	}
	apps, err := accountOf(m).Apps(context.Background(), "user/a", noon)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]App{
		{"a.trusted", []Access{{"https://api2", words("x"), noon, until, nil}}},
		{"b.app", []Access{
			{"https://api", words("offline_access read write"), noon, until, nil},
			{"https://more", words("read"), noon.Add(time.Minute), until, nil},
		}},
		{"c.trusted", []Access{{"https://api2", words("x"), noon, time.Time{}, nil}}},
		{"d.stranger", []Access{{"https://api", words("x y"), noon, time.Time{}, []string{"https://a.example", "https://z.example"}}}},
	})
	if got := fmt.Sprint(apps); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestAccountShowsAConsentAtTheIssuerOnce: at an API if it holds there too.
func TestAccountShowsAConsentAtTheIssuerOnce(t *testing.T) {
	const issuer, here, there = "https://id", "https://a.example", "https://z.example"
	at := func(resource, place, scopes string) store.Consent {
		return store.Consent{Subject: "user/a", ClientID: "app", Resource: resource, Place: place, Scopes: words(scopes), Granted: noon}
	}
	for rule, c := range map[string]struct {
		consents []store.Consent
		family   bool
		want     string
	}{
		"the same scopes":        {[]store.Consent{at("https://api", here, "openid read"), at(issuer, here, "openid")}, false, "https://api"},
		"of two APIs":            {[]store.Consent{at("https://api", here, "openid"), at("https://b", here, "email"), at(issuer, here, "email openid")}, false, "https://api https://b"},
		"another scope":          {[]store.Consent{at("https://api", here, "openid"), at(issuer, here, "email openid")}, false, "https://api https://id"},
		"another place":          {[]store.Consent{at("https://api", here, "openid"), at(issuer, there, "openid")}, false, "https://api https://id"},
		"alone":                  {[]store.Consent{at(issuer, here, "openid")}, false, "https://id"},
		"a refresh token for it": {[]store.Consent{at("https://api", here, "openid"), at(issuer, here, "openid")}, true, "https://api https://id"},
	} {
		m := newMemory()
		if m.consents = c.consents; c.family {
			g := store.Grant{Subject: "user/a", ClientID: "app", Place: here, Access: []store.Access{{Resource: issuer, Scopes: words("openid")}}}
			m.families = []store.Family{{Grant: g, Created: noon, Current: "sealed", Expires: noon.Add(time.Hour)}}
		}
		account := accountOf(m)
		account.Issuer = issuer
		apps, err := account.Apps(t.Context(), "user/a", noon)
		if err != nil || len(apps) != 1 {
			t.Fatalf("%s: %v, %v", rule, apps, err)
		}
		var got []string
		for _, a := range apps[0].Access {
			got = append(got, a.Resource)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", rule, got, c.want)
		}
	}
}

// A19: what is withdrawn takes consents and tokens of this person and this app,
// and nobody else's; consents first.
func TestA19WithdrawTakesConsentsAndFamilies(t *testing.T) {
	m := newMemory()
	for _, who := range []string{"user/a", "user/b"} {
		for _, app := range []string{"one", "two"} {
			m.consents = append(m.consents, store.Consent{Subject: who, ClientID: app})
			m.families = append(m.families, store.Family{Grant: store.Grant{Subject: who, ClientID: app}})
		}
	}
	for _, want := range []bool{true, false} {
		if got, err := accountOf(m).Withdraw(context.Background(), "user/a", "one", noon); err != nil || got != want {
			t.Fatalf("there was something: %v, %v, want %v", got, err, want)
		}
	}
	if got := strings.Join(m.log, " "); got != "consents families consents families" {
		t.Errorf("the order was %q: a consent that outlives its family grants anew", got)
	}
	apps := map[string]int{}
	for _, who := range []string{"user/a", "user/b"} {
		list, err := accountOf(m).Apps(context.Background(), who, noon)
		if err != nil {
			t.Fatal(err)
		}
		apps[who] = len(list)
	}
	if apps["user/a"] != 1 || apps["user/b"] != 2 {
		t.Errorf("left over: %v", apps)
	}
	for _, bad := range [][2]string{{"", "one"}, {"user/a", ""}} {
		if _, err := accountOf(m).Withdraw(context.Background(), bad[0], bad[1], noon); err == nil {
			t.Errorf("withdrew with %q: an empty filter member chooses everything", bad)
		}
	}
	m.fail = errors.New("disk full")
	if _, err := accountOf(m).Withdraw(context.Background(), "user/b", "one", noon); !errors.Is(err, m.fail) {
		t.Errorf("an outage: %v", err)
	}
}

func TestAccountEndsOnlyOwnSessions(t *testing.T) {
	m, ctx := newMemory(), context.Background()
	s, _ := newSessions(t, m)
	_, older, err := s.Start(ctx, ada, Browser{}, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	_, newer, err := s.Start(ctx, ada, Browser{}, "", noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	list, err := accountOf(m).ActiveSessions(ctx, ada.Subject, noon.Add(time.Hour))
	if err != nil || len(list) != 2 || list[0].ID != newer.ID {
		t.Fatalf("got %v, %v, want the latest used first", list, err)
	}
	if err := accountOf(m).EndSession(ctx, "user/eve", older.ID); !errors.Is(err, ErrUnknownSession) {
		t.Errorf("somebody else's session: %v", err)
	}
	if err := accountOf(m).EndSession(ctx, ada.Subject, older.ID); err != nil {
		t.Error(err)
	}
	account := accountOf(m)
	for idle, want := range map[time.Duration]int{0: 1, time.Hour: 0, time.Hour + time.Minute: 1} {
		account.Sessions.Idle = idle
		if list, _ := account.ActiveSessions(ctx, ada.Subject, noon.Add(2*time.Hour)); len(list) != want {
			t.Errorf("%d sessions left where they last %s unused, want %d", len(list), idle, want)
		}
	}
}
