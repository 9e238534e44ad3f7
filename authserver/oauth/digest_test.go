package oauth

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth/fieldtest"
)

// The digest is kept in stores and compared across versions: another value here
// means that an upgrade registers every client again.
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
	} {
		if got := c.registration.Digest(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	excluded := map[string]bool{
		"Registration.Managed.Owner.Cluster": true, // the server derives it
		"Registration.Managed.Adopt":         true, // only of the request that carries it
	}
	r := full()
	base := r.Digest()
	seen := map[string]string{base: "nothing"}
	fieldtest.Each(t, &r, func(path string) {
		digest := r.Digest()
		if excluded[path] {
			if digest != base {
				t.Errorf("%s changes the digest", path)
			}
			delete(excluded, path)
			return
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", path, other)
		}
		seen[digest] = path
	})
	if len(excluded) > 0 {
		t.Errorf("never visited: %v", slices.Collect(maps.Keys(excluded)))
	}
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
	empty, missing := full(), full()
	empty.Managed.SecretHashes, missing.Managed.SecretHashes = []string{}, nil
	empty.Managed.Resources, missing.Managed.Resources = []string{}, nil
	empty.Managed.ClientLabels, missing.Managed.ClientLabels = map[string]string{}, nil
	if empty.Digest() != missing.Digest() {
		t.Error("empty and missing lists differ")
	}
}

// The first resource may be the default target, so their order is content.
func TestDigestSeesTheOrderOfResources(t *testing.T) {
	r := full()
	slices.Reverse(r.Managed.Resources)
	if r.Digest() == full().Digest() {
		t.Error("reordered resources give the same digest")
	}
}

func TestNormalizedIsADeepCopy(t *testing.T) {
	r := full()
	slices.Reverse(r.Managed.SecretHashes)
	want := r.Digest()
	n := r.Normalized()
	if !reflect.DeepEqual(n.Normalized(), n) {
		t.Error("normalizing twice differs")
	}
	n.GrantTypes[0], n.Managed.SecretHashes[0], n.Managed.Resources[0] = "x", "x", "x"
	n.Managed.ClientLabels["x"], n.Managed.NamespaceLabels["x"] = "x", "x"
	if r.Digest() != want {
		t.Error("the copy shares memory with the original")
	}
	if r.Managed.SecretHashes[0] < r.Managed.SecretHashes[1] {
		t.Error("Normalized sorted its receiver")
	}
}

func TestDigestSurvivesTheWire(t *testing.T) {
	r := full()
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
			if CodeOf(err) != CodeInvalidClientMetadata || AsError(err).Description == "" {
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
