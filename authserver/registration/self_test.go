package registration

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

const day = 24 * time.Hour

func selfClient(change ...func(*store.Client)) *store.Client {
	c := store.Client{
		Registration:      oauth.Registration{ClientID: "id", TokenEndpointAuthMethod: oauth.AuthNone},
		RegistrationToken: "current", Self: &store.Self{By: "somebody"}, Created: time.Unix(1_900_000_000, 0).UTC(),
	}
	for _, f := range change {
		f(&c)
	}
	return &c
}

func with(token string) Matches { return func(sealed string) bool { return sealed == token } }

func TestSelfHolder(t *testing.T) {
	tampered := of(nil, selfClient())
	existing := Existing{ExistingClients: tampered.ExistingClients, IDTampered: true}
	for name, c := range map[string]struct {
		have  Existing
		token string
		held  bool
	}{
		"its token":                {of(nil, selfClient()), "current", true},
		"another token":            {of(nil, selfClient()), "other", false},
		"no client":                {Existing{}, "current", false},
		"A10 a registrar's client": {of(nil, selfClient(func(c *store.Client) { c.Self, c.Registration.Managed = nil, &oauth.Managed{} })), "current", false},
		"F10 a tampered record":    {existing, "current", false},
		"no token is kept":         {of(nil, selfClient(func(c *store.Client) { c.RegistrationToken = "" })), "", false},
	} {
		got, err := held(with(c.token), c.have)
		if c.held && (err != nil || got.Registration.ClientID != "id") || !c.held && oauth.CodeOf(err) != oauth.CodeInvalidToken {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSelfUpdateKeepsWhatItMust(t *testing.T) {
	used := time.Unix(1_900_000_100, 0).UTC()
	old := selfClient(func(c *store.Client) {
		c.Secrets, c.Self.Used, c.Self.By, c.NotBefore = []string{"secret"}, used, "dev", used
	})
	req := SelfRequest{Registration: oauth.Registration{ClientID: "id", TokenEndpointAuthMethod: oauth.AuthClientSecretPost}, Secret: "new", Token: "third", Now: used.Add(day)}
	_, c, err := DecideSelfUpdate(req, with("current"), of(nil, old))
	if err != nil || c.Secrets[0] != "secret" || c.RegistrationToken != "current" ||
		c.Self.By != "dev" || !c.Self.Used.Equal(used) || !c.Created.Equal(old.Created) || !c.NotBefore.Equal(used) {
		t.Errorf("%+v %+v, %v", c, c.Self, err)
	}
}

func TestSelfExpiry(t *testing.T) {
	created := selfClient().Created
	for name, c := range map[string]struct {
		used time.Time
		age  time.Duration
		gone bool
	}{
		"never used, young": {time.Time{}, day - time.Second, false},
		"never used":        {time.Time{}, day, true},
		"used":              {created.Add(time.Hour), 40 * day, false},
		"used, idle":        {created.Add(time.Hour), 90*day + time.Hour, true},
	} {
		have := of(nil, selfClient(func(s *store.Client) { s.Self.Used = c.used }))
		if got := DecideSelfExpire(created.Add(c.age), day, 90*day, have).Delete == "id"; got != c.gone {
			t.Errorf("%s: removed %v", name, got)
		}
	}
	managed := of(nil, selfClient(func(c *store.Client) { c.Self, c.Registration.Managed = nil, &oauth.Managed{} }))
	if DecideSelfExpire(created.Add(1000*day), day, day, managed) != (store.ClientChange{}) {
		t.Error("a registrar's client expired")
	}
}

func TestSelfUseIsNotedOnceADay(t *testing.T) {
	used := selfClient().Created.Add(time.Hour)
	have := of(nil, selfClient(func(c *store.Client) { c.Self.Used = used }))
	if DecideSelfUsed(used.Add(day-time.Second), have).Put != nil {
		t.Error("written again within the day")
	}
	change := DecideSelfUsed(used.Add(day), have)
	if change.Put == nil || !change.Put.Self.Used.Equal(used.Add(day)) || change.Put.Self.By != "somebody" {
		t.Errorf("%+v", change.Put)
	}
	if DecideSelfUsed(used, Existing{}).Put != nil {
		t.Error("a client that is gone came back")
	}
}

func TestSelfRevokeIsForNoManagedClient(t *testing.T) {
	unreadable := selfClient(func(c *store.Client) { c.Self, c.Registration.Managed = nil, &oauth.Managed{} })
	owned := selfClient(func(c *store.Client) {
		c.Self, c.Registration.Managed = nil, &oauth.Managed{Owner: oauth.Owner{Namespace: "a", Name: "b"}}
	})
	for name, c := range map[string]struct {
		have Existing
		gone bool
		code oauth.Code
	}{
		"its own":               {of(nil, selfClient()), true, ""},
		"absent":                {Existing{}, false, ""},
		"a registrar's":         {of(nil, owned), false, oauth.CodeOwnerMismatch},
		"unreadable":            {Existing{ExistingClients: of(nil, unreadable).ExistingClients, IDTampered: true}, true, ""},
		"unreadable, but owned": {Existing{ExistingClients: of(nil, owned).ExistingClients, IDTampered: true}, false, oauth.CodeOwnerMismatch},
	} {
		change, err := DecideSelfRevoke("id", c.have)
		if oauth.CodeOf(err) != c.code || (change.Delete == "id") != c.gone {
			t.Errorf("%s: %+v, %v", name, change, err)
		}
	}
	if _, _, err := DecideSelf(SelfRequest{}, of(nil, owned)); err == nil {
		t.Error("a registration took an id that exists")
	}
}
