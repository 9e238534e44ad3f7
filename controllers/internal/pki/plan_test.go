package pki

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

func TestFirstCertificateIsMadeInOnePass(t *testing.T) {
	w := newWorld(t)
	plan := w.pass(w.in, -1)
	if plan.CA == nil || plan.Bundle == "" || plan.Serving == nil {
		t.Fatalf("the first plan lacks something: %v", plan.Verdict)
	}
	if plan.Verdict.Ready || plan.Verdict.Reason != v1alpha1.ReasonIssuing {
		t.Errorf("verdict %+v before anything was written, want Issuing", plan.Verdict)
	}
	plan = w.settle()
	if !plan.Verdict.Ready || plan.Verdict.CA != w.in.Bundle || w.writes != 4 {
		t.Errorf("verdict %+v after %d writes, want Ready after 4: trust is noted", plan.Verdict, w.writes)
	}
	if len(w.events) > 0 {
		t.Errorf("events %v: a new server is no news", w.events)
	}
	leaf := w.leaf()
	if got := leaf.NotAfter.Sub(leaf.NotBefore); got != DefaultLifetime+backdate {
		t.Errorf("the certificate is valid for %s", got)
	}
	if !plan.CertificateExpires.Equal(start.Add(DefaultLifetime)) || !plan.CAExpires.Equal(start.Add(caLifetime)) {
		t.Errorf("expiry of the certificate %s, of the CA %s", plan.CertificateExpires, plan.CAExpires)
	}
}

func TestRenewalAtTwoThirds(t *testing.T) {
	w := newWorld(t)
	w.settle()
	first := w.leaf()
	w.now = start.Add(60*day - time.Second)
	if plan := w.pass(w.in, -1); plan.Serving != nil || !plan.Next.Equal(start.Add(60*day)) {
		t.Errorf("renewed early, or next look at %s", plan.Next)
	}
	w.now = start.Add(60 * day)
	plan := w.settle()
	if w.leaf().Equal(first) || w.told(EventCertificateRenewed) != 1 {
		t.Errorf("not renewed: events %v", w.events)
	}
	if want := w.now.Add(latest); !plan.Next.Equal(want) {
		t.Errorf("next look at %s, want %s", plan.Next, want)
	}
	if w.leaf().PublicKey == first.PublicKey {
		t.Error("the key was not renewed")
	}
}

// The phases of a rotation that the annotation asks for.
func TestRotationOfTheCA(t *testing.T) {
	w := newWorld(t)
	w.in.CAOverlap = 10 * day
	w.settle()
	old := w.set().Authorities[0].ID()
	w.now = w.now.Add(day)
	w.in.RotateCA = "please"
	plan := w.settle()
	if n := len(parseCertificates([]byte(w.in.Bundle))); n != 2 || w.issuer() != old || w.told(EventCARotationBegan) != 1 {
		t.Fatalf("%d certificates in the bundle, signed by %s: %v", n, w.issuer(), w.events)
	}
	if parseCertificates([]byte(w.in.Bundle))[0].Subject.CommonName != "default CA "+old {
		t.Error("the CA that signs is not the first in the bundle")
	}
	w.in.RotateCA = "again"
	w.settle()
	if n := len(w.set().Authorities); n != 2 || w.told(EventCARotationUnderWay) != 1 {
		t.Errorf("%d authorities, events %v: want no further CA while one waits", n, w.events)
	}
	due := start.Add(11 * day)
	w.now = due.Add(-12 * time.Hour)
	if plan = w.settle(); !plan.Next.Equal(due) || w.issuer() != old {
		t.Errorf("next look at %s, want %s; signed by %s", plan.Next, due, w.issuer())
	}
	w.now = due
	w.settle()
	set := w.set()
	if w.issuer() == old || w.told(EventCARotated) != 1 {
		t.Fatalf("the next CA does not sign: %v", w.events)
	}
	if a := set.Authorities[0]; a.ID() != old || a.key != nil || !a.UsedUntil.Equal(start.Add(DefaultLifetime)) {
		t.Errorf("the old CA still has its key, or leaves at %s", a.UsedUntil)
	}
	w.now = start.Add(DefaultLifetime - time.Second)
	w.settle()
	if n := len(parseCertificates([]byte(w.in.Bundle))); n != 2 {
		t.Errorf("%d certificates in the bundle before the last of the old CA expired", n)
	}
	w.now = start.Add(DefaultLifetime)
	w.settle()
	if n := len(parseCertificates([]byte(w.in.Bundle))); n != 1 || w.told(EventCARemoved) != 1 {
		t.Errorf("%d certificates in the bundle afterwards: %v", n, w.events)
	}
}

// issuer is the id of the authority that signed the certificate in use.
func (w *world) issuer() string {
	for _, a := range w.set().Authorities {
		if a.signed(w.leaf()) {
			return a.ID()
		}
	}
	return ""
}

func TestRotationAYearBeforeTheEnd(t *testing.T) {
	w := newWorld(t)
	end := start.Add(caLifetime)
	w.settle()
	for w.now.Before(end.Add(-rotateBefore - day)) {
		w.now = w.now.Add(29 * day)
		w.settle()
		if w.now.Before(end.Add(-rotateBefore)) && w.told(EventCARotationBegan) > 0 {
			t.Fatalf("the next CA was made at %s, %s before the end", w.now, end.Sub(w.now))
		}
	}
	if w.now = end.Add(-rotateBefore); w.settle().Verdict.Ready && w.told(EventCARotationBegan) != 1 {
		t.Errorf("events %v, want a rotation", w.events)
	}
}

func TestLostObjects(t *testing.T) {
	for name, c := range map[string]struct {
		lose   func(*world)
		events string
		// sameCert: the certificate in use lives on.
		sameCert bool
		// inBundle is how many CAs there are then.
		inBundle int
	}{
		"the CA":             {func(w *world) { w.in.CA = nil }, "[CALost]", true, 2},
		"the serving Secret": {func(w *world) { w.in.Serving = nil }, "[CertificateReplaced]", false, 1},
		"the ConfigMap":      {func(w *world) { w.in.Bundle = "" }, "[]", true, 1},
		"CA and ConfigMap":   {func(w *world) { w.in.CA, w.in.Bundle = nil, "" }, "[CALost]", true, 2},
		"CA and serving":     {func(w *world) { w.in.CA, w.in.Serving = nil, nil }, "[CALost CARotatedEarly]", false, 2},
		// What one does when the key of the CA was stolen.
		"everything": {func(w *world) { w.in.CA, w.in.Serving, w.in.Bundle = nil, nil, "" }, "[]", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.days(3, day)
			before := w.leaf()
			c.lose(w)
			plan := w.settle()
			if got := fmt.Sprint(w.events); got != c.events {
				t.Errorf("events %s, want %s", got, c.events)
			}
			if same := w.leaf().Equal(before); same != c.sameCert {
				t.Errorf("the same certificate is in use: %t", same)
			}
			if n := len(parseCertificates([]byte(w.in.Bundle))); n != c.inBundle {
				t.Errorf("%d CAs in the bundle, want %d", n, c.inBundle)
			}
			if !plan.Verdict.Ready {
				t.Errorf("verdict %+v", plan.Verdict)
			}
			if name == "everything" {
				w.served = w.served[1:] // this one is to be refused at once
			}
			w.verify(0)
		})
	}
}

// A CA that is lost while the operator is down, and a certificate that ends before
// caOverlap is over: the new CA signs a day before the end, not later.
func TestLostCANearTheEndOfTheCertificate(t *testing.T) {
	w := newWorld(t)
	w.in.CAOverlap = 180 * day
	w.settle()
	w.now = start.Add(59 * day)
	w.in.CA = nil
	w.settle()
	w.now = start.Add(89*day - time.Second)
	if w.settle(); w.told(EventCARotatedEarly) > 0 {
		t.Errorf("events %v before the last day", w.events)
	}
	w.now = start.Add(89 * day)
	if w.settle(); w.told(EventCARotatedEarly) != 1 {
		t.Errorf("events %v on the last day", w.events)
	}
}

// Rule 1: what may be a person's, or a newer release's, is never overwritten.
func TestDamagedCASecretIsLeftAlone(t *testing.T) {
	good := newWorld(t)
	good.settle()
	text := string(good.in.CA[KeyAuthorities])
	other := newWorld(t)
	other.settle()
	key := func(w *world) string {
		var stored setJSON
		if err := json.Unmarshal(w.in.CA[KeyAuthorities], &stored); err != nil {
			t.Fatal(err)
		}
		out, _ := json.Marshal(stored.Authorities[0].Key)
		return string(out)
	}
	for name, c := range map[string]struct {
		data map[string][]byte
		want string
	}{
		"somebody's own CA": {map[string][]byte{keyCertificate: []byte("mine"), keyPrivate: []byte("mine too")}, "no key authorities.json"},
		"empty":             {map[string][]byte{}, "no key authorities.json"},
		"not JSON":          {map[string][]byte{KeyAuthorities: []byte(text[:100])}, "not the JSON"},
		"no CA in it":       {map[string][]byte{KeyAuthorities: []byte(`{"version":1}`)}, "holds no CA"},
		"a newer format":    {map[string][]byte{KeyAuthorities: []byte(strings.Replace(text, `"version": 1`, `"version": 2`, 1))}, "newer release"},
		"a key of another":  {map[string][]byte{KeyAuthorities: []byte(strings.Replace(text, key(good), key(other), 1))}, "not that of the certificate"},
		"a broken key":      {map[string][]byte{KeyAuthorities: []byte(strings.Replace(text, key(good), `"oops"`, 1))}, "private key cannot be read"},
		"a broken CA":       {map[string][]byte{KeyAuthorities: []byte(strings.Replace(text, "BEGIN CERT", "BEGIN WORT", 1))}, "one certificate of a CA"},
	} {
		t.Run(name, func(t *testing.T) {
			in := good.in
			in.CA, in.Now = c.data, start.Add(100*day)
			plan, err := Make(in)
			if err != nil {
				t.Fatal(err)
			}
			if plan.CA != nil || plan.Bundle != "" || plan.Serving != nil {
				t.Error("something is overwritten")
			}
			v := plan.Verdict
			if v.Ready || v.Reason != v1alpha1.ReasonSecretInvalid || !strings.Contains(v.Message, c.want) || !strings.Contains(v.Message, "Secret clientele-system/"+caName()) {
				t.Errorf("verdict %+v, want SecretInvalid with %q", v, c.want)
			}
			if strings.Contains(v.Message, "PRIVATE") || strings.Contains(v.Message, "oops") || strings.Contains(v.Message, "mine") {
				t.Errorf("the message quotes the Secret: %s", v.Message)
			}
			if v.Expires.IsZero() || plan.CertificateExpires.IsZero() {
				t.Error("the certificate in use is forgotten")
			}
		})
	}
}

func TestServingSecretThatIsNotAsItShouldBe(t *testing.T) {
	other := newWorld(t)
	other.settle()
	for name, c := range map[string]struct {
		spoil  func(*world)
		event  string
		reason string
	}{
		"damaged":          {func(w *world) { w.in.Serving = map[string][]byte{keyCertificate: []byte("x")} }, EventCertificateReplaced, v1alpha1.ReasonIssuing},
		"of another CA":    {func(w *world) { w.in.Serving = other.in.Serving }, EventCertificateReplaced, v1alpha1.ReasonIssuing},
		"expired":          {func(w *world) { w.now = w.now.Add(200 * day) }, EventCertificateRenewed, v1alpha1.ReasonExpired},
		"too long a life":  {func(w *world) { w.in.Lifetime = time.Minute }, EventCertificateRenewed, v1alpha1.ReasonIssued},
		"clock set back":   {func(w *world) { w.now = w.now.Add(-time.Hour) }, EventCertificateRenewed, v1alpha1.ReasonIssuing},
		"another issuer":   {func(w *world) { w.in.Names.Issuer = "https://other.example.com" }, EventCARotatedEarly, v1alpha1.ReasonNameMismatch},
		"another domain":   {func(w *world) { w.in.Names.ClusterDomain = "corp.example" }, EventCARotationBegan, v1alpha1.ReasonIssued},
		"a shorter domain": {func(w *world) { w.in.Names.ClusterDomain = "local" }, EventCARotationBegan, v1alpha1.ReasonIssued},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.settle()
			before := w.leaf()
			c.spoil(w)
			plan := w.pass(w.in, -1)
			if plan.Verdict.Reason != c.reason || plan.Verdict.Ready != (c.reason == v1alpha1.ReasonIssued) {
				t.Errorf("verdict %+v, want %s", plan.Verdict, c.reason)
			}
			plan = w.settle()
			if w.told(c.event) != 1 || !plan.Verdict.Ready {
				t.Errorf("events %v, want %s; verdict %+v", w.events, c.event, plan.Verdict)
			}
			if renewed := !w.leaf().Equal(before); renewed == (c.event == EventCARotationBegan) && name != "another domain" && name != "a shorter domain" {
				t.Errorf("a new certificate: %t", renewed)
			}
			if !hostsIn(w.leaf()).includes(w.in.Names.essential()) {
				t.Errorf("the certificate is for %v", hostsIn(w.leaf()))
			}
		})
	}
}

// Tests of a cluster have certificates of a minute: they are renewed after 40 s, and the
// operator knows when to look.
func TestShortLifetime(t *testing.T) {
	w := newWorld(t)
	w.in.Lifetime, w.in.CAOverlap = time.Minute, 30*time.Second
	for range 300 {
		plan := w.settle()
		w.served = w.served[len(w.served)-1:] // kubelet is quicker here
		w.verify(29 * time.Second)
		if w.now.Sub(start) == 2*time.Minute {
			w.in.RotateCA = "1"
		}
		if wait := plan.Next.Sub(w.now); wait < time.Second || wait > 40*time.Second {
			t.Fatalf("next look after %s", wait)
		}
		w.now = w.now.Add(time.Second)
	}
	if w.told(EventCARotated) != 1 || w.told(EventCARotatedEarly) != 0 || w.told(EventCARemoved) != 1 {
		t.Errorf("events %v", w.events)
	}
}

// An annotation that is changed all the time, by a template for instance, does not make
// the bundle grow without end.
func TestRotationWithoutEndIsRefused(t *testing.T) {
	w := newWorld(t)
	w.in.CAOverlap = time.Hour
	for i := range 30 {
		w.in.RotateCA = fmt.Sprint(i)
		w.settle()
		w.now = w.now.Add(2 * time.Hour)
		w.settle()
		w.verify(w.rereads())
	}
	if n := len(w.set().Authorities); n != maxAuthorities || w.told(EventCARotationRefused) != 30-maxAuthorities {
		t.Errorf("%d authorities, events %v", n, w.events)
	}
	w.now = w.now.Add(DefaultLifetime)
	w.settle()
	w.in.RotateCA = "again"
	if w.settle(); w.told(EventCARotationBegan) != maxAuthorities || len(w.set().Authorities) != 2 {
		t.Errorf("%d authorities, events %v: want a rotation again", len(w.set().Authorities), w.events)
	}
}

func TestAuthoritiesRedactTheirKeys(t *testing.T) {
	w := newWorld(t)
	w.settle()
	a := w.set().Authorities[0]
	raw, err := a.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secret := new(big.Int).SetBytes(raw).String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, a) + fmt.Sprintf(verb, w.set()); strings.Contains(got, secret) {
			t.Errorf("%s prints the key", verb)
		}
	}
	for _, e := range append(w.last.Events, Event{Note: w.last.Verdict.Message}) {
		if strings.Contains(e.Note, "KEY") {
			t.Error(e.Note)
		}
	}
}

// The stored form does not change by accident: an older or newer operator reads it.
func TestStoredForm(t *testing.T) {
	w := newWorld(t)
	w.in.RotateCA = "v"
	w.settle()
	var stored map[string]any
	if err := json.Unmarshal(w.in.CA[KeyAuthorities], &stored); err != nil {
		t.Fatal(err)
	}
	one := stored["authorities"].([]any)[0].(map[string]any)
	for _, key := range []string{"certificate", "key"} {
		if !strings.HasPrefix(one[key].(string), "-----BEGIN ") {
			t.Errorf("%s is not PEM", key)
		}
		one[key] = key
	}
	got, _ := json.Marshal(stored)
	want := `{"authorities":[{"certificate":"certificate","key":"key","trustedSince":"2026-03-01T12:00:00Z","usedUntil":"2026-05-30T12:00:00Z"}],"rotateCA":"v","version":1}`
	if string(got) != want {
		t.Errorf("stored\n%s, want\n%s", got, want)
	}
	set := w.set()
	again, err := set.data()
	if err != nil || !bytes.Equal(again[KeyAuthorities], w.in.CA[KeyAuthorities]) {
		t.Errorf("written again it differs (%v)", err)
	}
}

func FuzzNames(f *testing.F) {
	for _, issuer := range issuers {
		f.Add("default", "clientele-system", "cluster.local", issuer)
	}
	f.Add("a", "b", ".", "https://%41.example")
	f.Add("a", "com", "", "https://b.a-registrar.com")
	f.Fuzz(func(t *testing.T, server, namespace, domain, issuer string) {
		n := Names{Server: server, Namespace: namespace, ClusterDomain: domain, Issuer: issuer}
		if !dnsName(server) || !dnsName(namespace) || len(server) > 43 || strings.Contains(server+namespace, ".") {
			t.Skip()
		}
		a, err := newAuthority(n, start, zeroes{})
		if err != nil {
			t.Skip(err) // more than a certificate can hold
		}
		if !a.covers(n.wanted()) {
			t.Errorf("a new CA does not permit %v: one would be made after the other", n.wanted())
		}
	})
}

// zeroes is a source of no randomness.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return copy(p, make([]byte, len(p))), nil }
