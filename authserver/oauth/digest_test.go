package oauth

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth/fieldtest"
)

// The digest is kept in stores and compared across versions: another value here
// means that an upgrade registers every client again. The first three are as they
// were before there were clients that act for users.
func TestDigestIsStable(t *testing.T) {
	for name, c := range map[string]struct {
		registration Registration
		want         string
	}{
		"full":  {full(), "de46e126d3fa5c20b45486dc6e270f4e1d2901c0a2192168302f8bdbe70b6447"},
		"empty": {Registration{}, "e9ccce1f852b55535dd2b2c0cc1f4855c15392e61e52b013c7bb4995f0382b2b"},
		"bare": {Registration{ClientID: "a.b", GrantTypes: []GrantType{GrantClientCredentials}, Managed: &Managed{
			Owner: Owner{Namespace: "a", Name: "b", UID: "u"}, SecretHashes: []string{"x"}, RegistrationTokenHash: "y"}},
			"e8da70863b5299fb93e44a7ac43ed074f85b966431e4fc816da21d254827cd38"},
		"web":    {web(), "3587eaf3b5949b69c97da3bf88751a47371f2b7e27786de35d0cd0c21b5860e3"},
		"public": {spa(), "e3bef5cefcb10cd936a7694256a0e05887915089a1fb71d9e61bb082881f2988"},
	} {
		if got := c.registration.Digest(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	r := web()
	r.Managed.AllowedUsers = someUsers()[:1] // the other one has no groups
	fieldtest.Digest(t, &r, func() string { return r.Digest() },
		"Registration.Managed.Owner.Cluster",  // the server derives it
		"Registration.Managed.Adopt",          // only of the request that carries it
		"Registration.ResponseTypes[shorter]", // code is what an empty list means
	)
}

// F23: reordered lists and defaults spelled out are no change.
func TestF23DigestIgnoresOrderAndDefaults(t *testing.T) {
	base := full()
	base.TokenEndpointAuthMethod = ""
	for name, change := range map[string]func(*Registration){
		"method spelled out":   func(r *Registration) { r.TokenEndpointAuthMethod = AuthClientSecretBasic },
		"scopes reordered":     func(r *Registration) { r.Scope = "orders.write orders.read" },
		"scopes repeated":      func(r *Registration) { r.Scope = "orders.write orders.read orders.write" },
		"hashes reordered":     func(r *Registration) { slices.Reverse(r.Managed.SecretHashes) },
		"grant types repeated": func(r *Registration) { r.GrantTypes = slices.Repeat(r.GrantTypes, 2) },
	} {
		r := full()
		r.TokenEndpointAuthMethod = ""
		change(&r)
		if r.Digest() != base.Digest() {
			t.Errorf("%s changes the digest", name)
		}
	}
	stated := web()
	for name, change := range map[string]func(*Registration){
		"response types left out":   func(r *Registration) { r.ResponseTypes = nil },
		"application type left out": func(r *Registration) { r.ApplicationType = "" },
		"redirect URIs reordered":   func(r *Registration) { slices.Reverse(r.RedirectURIs) },
		"redirect URIs repeated":    func(r *Registration) { r.RedirectURIs = slices.Repeat(r.RedirectURIs, 2) },
		"after logout repeated":     func(r *Registration) { r.PostLogoutRedirectURIs = slices.Repeat(r.PostLogoutRedirectURIs, 2) },
		"grant types reordered":     func(r *Registration) { slices.Reverse(r.GrantTypes) },
	} {
		r := web()
		change(&r)
		if r.Digest() != stated.Digest() {
			t.Errorf("%s changes the digest", name)
		}
	}
	empty, missing := full(), full()
	empty.RedirectURIs, empty.Contacts, empty.ResponseTypes = []string{}, []string{}, []ResponseType{}
	empty.Managed.SecretHashes, missing.Managed.SecretHashes = []string{}, nil
	empty.Managed.Resources, missing.Managed.Resources = []string{}, nil
	empty.Managed.ClientLabels, missing.Managed.ClientLabels = map[string]string{}, nil
	if empty.Digest() != missing.Digest() {
		t.Error("empty and missing lists differ")
	}
}

// The first resource is the default target, so their order is content.
func TestDigestSeesTheOrderOfResources(t *testing.T) {
	r := full()
	slices.Reverse(r.Managed.Resources)
	if r.Digest() == full().Digest() {
		t.Error("reordered resources give the same digest")
	}
}

// What the answer to a registration echoes is complete (RFC 7591, Section 3.2.1).
func TestNormalizedFillsInDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		redirects []string
		want      ApplicationType
	}{
		"https":       {[]string{"https://a.example/"}, ApplicationWeb},
		"loopback":    {[]string{"https://a.example/", "http://127.0.0.1/"}, ApplicationNative},
		"private-use": {[]string{"com.example.app:/cb"}, ApplicationNative},
	} {
		n := Registration{RedirectURIs: c.redirects}.Normalized()
		if n.ApplicationType != c.want || !slices.Equal(n.ResponseTypes, []ResponseType{ResponseCode}) ||
			!slices.Equal(n.GrantTypes, []GrantType{GrantAuthorizationCode}) || n.TokenEndpointAuthMethod != AuthClientSecretBasic {
			t.Errorf("%s: got %+v", name, n)
		}
	}
	if n := full().Normalized(); n.ApplicationType != "" || len(n.ResponseTypes) > 0 {
		t.Errorf("a machine's client: %+v", n)
	}
}

func TestNormalizedIsADeepCopy(t *testing.T) {
	r := web()
	slices.Reverse(r.Managed.SecretHashes)
	want := r.Digest()
	n := r.Normalized()
	if !reflect.DeepEqual(n.Normalized(), n) {
		t.Error("normalizing twice differs")
	}
	n.GrantTypes[0], n.Managed.SecretHashes[0], n.Managed.Resources[0] = "x", "x", "x"
	n.RedirectURIs[0], n.PostLogoutRedirectURIs[0], n.Contacts[0], n.ResponseTypes[0] = "x", "x", "x", "x"
	*n.DefaultMaxAge = 7
	n.Managed.ClientLabels["x"], n.Managed.NamespaceLabels["x"] = "x", "x"
	if r.Digest() != want {
		t.Error("the copy shares memory with the original")
	}
	if r.Managed.SecretHashes[0] < r.Managed.SecretHashes[1] {
		t.Error("Normalized sorted its receiver")
	}
}

func TestDigestSurvivesTheWire(t *testing.T) {
	r := web()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Registration
	if err := json.Unmarshal(body, &back); err != nil {
		t.Fatal(err)
	}
	if back.Digest() != r.Digest() {
		t.Error("marshalling changes the digest")
	}
}

func FuzzRegistration(f *testing.F) {
	body, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	if body, err = json.Marshal(spa()); err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"client_id":"a","grant_types":null,"clientele_managed":{}}`))
	f.Add([]byte(`{"CLIENTELE_MANAGED":{"owner":{"namespace":"a"}},"unknown":[[[]]]}`))
	f.Add([]byte(`{"client_id":"a.b","grant_types":["client_credentials"],"scope":"a b a","client_name":"\ud800"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r Registration
		if json.Unmarshal(in, &r) != nil {
			return
		}
		if err := r.Validate(); err != nil {
			if code := CodeOf(err); code != CodeInvalidClientMetadata && code != CodeInvalidRedirectURI || AsError(err).Description == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		n := r.Normalized()
		if err := n.Validate(); err != nil {
			t.Fatalf("valid, but not in normal form: %v", err)
		}
		again, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		var back Registration
		if err := json.Unmarshal(again, &back); err != nil || back.Digest() != r.Digest() {
			t.Fatalf("the digest does not survive the wire: %s (%v)", again, err)
		}
	})
}

// B14: who may use a client changes the digest. The order of entries and names, and
// repetitions, do not.
func TestB14DigestOfAllowedUsers(t *testing.T) {
	digest := func(change func(*Managed)) string {
		r := web()
		r.Managed.AllowedUsers = someUsers()
		change(r.Managed)
		return r.Digest()
	}
	base := digest(func(*Managed) {})
	for name, c := range map[string]struct {
		change func(*Managed)
		same   bool
	}{
		"entries reordered":           {func(m *Managed) { slices.Reverse(m.AllowedUsers) }, true},
		"groups reordered":            {func(m *Managed) { slices.Reverse(m.AllowedUsers[0].Groups) }, true},
		"an entry repeated":           {func(m *Managed) { m.AllowedUsers = slices.Repeat(m.AllowedUsers, 2) }, true},
		"a role repeated":             {func(m *Managed) { m.AllowedUsers[0].Roles = []string{"lead", "lead"} }, true},
		"an entry fewer":              {func(m *Managed) { m.AllowedUsers = m.AllowedUsers[:1] }, false},
		"everyone":                    {func(m *Managed) { m.AllowedUsers = nil }, false},
		"a group that becomes a role": {func(m *Managed) { m.AllowedUsers[1] = AllowedUsers{Groups: m.AllowedUsers[1].Roles} }, false},
		"two entries made one": {func(m *Managed) {
			m.AllowedUsers = []AllowedUsers{{Groups: []string{"sales", "support"}, Roles: []string{"admin", "lead"}}}
		}, false},
	} {
		if got := digest(c.change); (got == base) != c.same {
			t.Errorf("%s: the same digest is %v, want %v", name, got == base, c.same)
		}
	}
	r := web()
	r.Managed.AllowedUsers = someUsers()
	normal := r.Normalized()
	slices.Reverse(normal.Managed.AllowedUsers[0].Groups)
	if !reflect.DeepEqual(r.Managed.AllowedUsers, someUsers()) {
		t.Error("the normal form shares memory with the original")
	}
}

func someUsers() []AllowedUsers {
	return []AllowedUsers{{Groups: []string{"sales", "support"}, Roles: []string{"lead"}}, {Roles: []string{"admin"}}}
}
