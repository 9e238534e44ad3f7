package authorize_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
)

var now = time.Unix(1_800_000_000, 0).UTC()

const cookie = credential.Secret("a cookie of some browser")

func newKeys(t testing.TB) credential.ServerKeys {
	t.Helper()
	k, err := credential.NewServerKeys(now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func parse(t testing.TB, form string) *params.Params {
	t.Helper()
	p, err := params.Parse(form, "resource")
	if err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestPRTIsBoundToBrowserAndTime(t *testing.T) {
	k := newKeys(t)
	pending, err := authorize.NewPending(parse(t, "client_id=a&state=x%0Ay&unknown=z&resource=b&resource=c&id_token_hint=e.e.e"), &authorize.Request{Subject: "user/ada"}, "S1", now)
	if err != nil {
		t.Fatal(err)
	}
	prt, err := pending.Seal(k, cookie)
	if err != nil {
		t.Fatal(err)
	}
	got, err := authorize.OpenPending(k, prt, cookie, now.Add(authorize.PendingLifetime-time.Second))
	if err != nil || got != pending || got.Parameters != "client_id=a&resource=b&resource=c&state=x%0Ay" || got.Subject != credential.Hash("user/ada") {
		t.Fatalf("%+v, %v", got, err)
	}
	other := newKeys(t)
	box, err := k.SealBox("something else", []byte(prt))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule   string
		keys   credential.ServerKeys
		prt    string
		cookie credential.Secret
		now    time.Time
	}{
		{"another browser", k, prt, "another cookie", now},
		{"no cookie", k, prt, "", now},
		{"ten minutes later", k, prt, cookie, now.Add(authorize.PendingLifetime)},
		{"other keys", other, prt, cookie, now},
		{"another purpose", k, box, cookie, now},
		{"A13: truncated", k, prt[:len(prt)-1], cookie, now},
		{"A13: padded", k, prt + "=", cookie, now},
		{"A13: longer", k, prt + "A", cookie, now},
		{"A15: huge", k, prt + strings.Repeat("A", authorize.MaxPRT), cookie, now},
		{"nothing", k, "", cookie, now},
	} {
		if got, err := authorize.OpenPending(c.keys, c.prt, c.cookie, c.now); !errors.Is(err, authorize.ErrPRT) || got != (authorize.Pending{}) {
			t.Errorf("%s: %+v, %v", c.rule, got, err)
		}
	}
}

func TestA15AnyRequestThatIsAcceptedFitsIntoAPRT(t *testing.T) {
	k := newKeys(t)
	for n := 2700; n < 3000; n++ {
		pending, err := authorize.NewPending(parse(t, "state="+strings.Repeat("s", n)), &authorize.Request{Subject: "user/ada"}, credential.NewID(), now)
		if err != nil {
			if oauth.CodeOf(err) != oauth.CodeInvalidRequest {
				t.Fatalf("%d: %v", n, err)
			}
			continue
		}
		prt, err := pending.Seal(k, cookie)
		if err != nil || len(prt) > authorize.MaxPRT {
			t.Fatalf("%d: a prt of %d bytes, %v", n, len(prt), err)
		}
	}
}

// checker knows one client.
func checker() authorize.Checker {
	c := &registry.Client{Registration: oauth.Registration{
		ClientID: "app", GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}, TokenEndpointAuthMethod: oauth.AuthNone,
		RedirectURIs: []string{"https://app.example/cb", "http://127.0.0.1/cb"}, Scope: "openid",
	}, Scopes: []string{"openid"}}
	return authorize.Checker{
		Clients:  func(id string) (*registry.Client, bool) { return c, id == c.ClientID },
		Policies: func() *policy.Set { return policy.NewSet(nil) },
		Reserved: func(*registry.Client, oauth.RedirectURI) bool { return false },
		Hint:     func(string) (subject, clientID string, err error) { return "", "", errors.New("not ours") },
		Terms:    &grant.Terms{Terms: rights.Terms{Issuer: "https://login.example", DefaultResource: "https://login.example"}},
	}
}

func TestCheckOrder(t *testing.T) {
	good := url.Values{
		"client_id": {"app"}, "redirect_uri": {"https://app.example/cb"}, "response_type": {"code"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for _, c := range []struct {
		rule         string
		name, value  string
		shown        bool
		code         oauth.Code
		wantNoState  bool
		wantLocation string
	}{
		{rule: "good", name: "state", value: "s"},
		{rule: "loopback port", name: "redirect_uri", value: "http://127.0.0.1:4711/cb"},
		{rule: "unknown client", name: "client_id", value: "x", shown: true, code: oauth.CodeInvalidClient},
		{rule: "unknown redirect URI", name: "redirect_uri", value: "https://app.example/cb2", shown: true, code: oauth.CodeInvalidRequest},
		{rule: "no redirect URI, two registered", name: "redirect_uri", value: "", shown: true, code: oauth.CodeInvalidRequest},
		{rule: "response type", name: "response_type", value: "id_token", code: oauth.CodeUnsupportedResponseType, wantLocation: "https://app.example/cb?"},
		{rule: "long state", name: "state", value: strings.Repeat("s", 2049), code: oauth.CodeInvalidRequest, wantNoState: true},
		{rule: "unknown resource", name: "resource", value: "https://api.example", code: oauth.CodeInvalidTarget},
		{rule: "default resource by name", name: "resource", value: "https://login.example"},
		{rule: "a login_hint of no use is left out", name: "login_hint", value: "a\nb"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			values := url.Values{}
			for k, v := range good {
				values[k] = v
			}
			values.Set(c.name, c.value)
			r, err := checker().Check(parse(t, values.Encode()))
			if oauth.CodeOf(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			var shown *authorize.Shown
			var redirected *authorize.Redirected
			switch {
			case err == nil:
				if r.LoginHint != "" || !slices.Equal(r.Resources, []string{"https://login.example"}) {
					t.Errorf("%+v", r)
				}
			case c.shown != errors.As(err, &shown) || c.shown == errors.As(err, &redirected):
				t.Fatalf("%T", err)
			case !c.shown:
				a := redirected.Answer()
				if a.Parameters.Get("iss") != "https://login.example" || a.Parameters.Has("state") == c.wantNoState || !strings.HasPrefix(a.Location(), c.wantLocation) {
					t.Errorf("answer %v", a)
				}
			}
		})
	}
}

// FuzzPRT opens what an attacker makes up: sealed by us, or not.
func FuzzPRT(f *testing.F) {
	k := newKeys(f)
	f.Add("client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code", "S", "v1.AAAA")
	f.Add("client_id=app&state=a%0Ab&resource=x&resource=y", "", "v1.")
	f.Add("&&=&%", "\n", "")
	f.Fuzz(func(t *testing.T, form, session, forged string) {
		if p, err := authorize.OpenPending(k, forged, cookie, now); err == nil {
			t.Fatalf("a forged prt opened: %+v", p)
		}
		parsed, err := params.Parse(form, "resource")
		if err != nil || parsed.Get("id_token_hint") != "" { // it is checked once, and not kept
			return
		}
		pending, err := authorize.NewPending(&parsed, &authorize.Request{}, credential.Hash(session), now)
		if err != nil {
			return
		}
		prt, err := pending.Seal(k, cookie)
		if err != nil || len(prt) > authorize.MaxPRT {
			t.Fatalf("sealing: %d bytes, %v", len(prt), err)
		}
		opened, err := authorize.OpenPending(k, prt, cookie, now)
		if err != nil || opened != pending {
			t.Fatalf("%+v became %+v, %v", pending, opened, err)
		}
		again, err := opened.Params()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"client_id", "redirect_uri", "state", "scope"} {
			if again.Get(name) != parsed.Get(name) {
				t.Fatalf("%s: %q became %q", name, parsed.Get(name), again.Get(name))
			}
		}
		first, firstErr := checker().Check(&parsed)
		second, secondErr := checker().Check(again)
		if (firstErr == nil) != (secondErr == nil) || oauth.CodeOf(firstErr) != oauth.CodeOf(secondErr) {
			t.Fatalf("checked %v, after opening %v", firstErr, secondErr)
		}
		if firstErr == nil && (first.Target.RedirectURI() != second.Target.RedirectURI() || first.Challenge != second.Challenge) {
			t.Fatal("another request after opening")
		}
	})
}
