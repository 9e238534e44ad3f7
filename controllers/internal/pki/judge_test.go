package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

// authority is a CA that is not the operator's.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// sign makes a certificate and its key in PEM; by nil: self-signed.
func sign(t *testing.T, template *x509.Certificate, by *authority) (*authority, []byte, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = start.Add(-day), start.Add(90*day)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := keyPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, c, key}, certificatePEM(der), private
}

func ca(name string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

func leafFor(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

func TestJudgeSecret(t *testing.T) {
	const host = "login.example.com"
	root, rootPEM, _ := sign(t, ca("root"), nil)
	middle, middlePEM, _ := sign(t, ca("middle"), root)
	_, otherPEM, otherKey := sign(t, ca("other"), nil)
	_, good, key := sign(t, leafFor(host), middle)
	chain := append(append([]byte{}, good...), middlePEM...)
	template := func(change func(*x509.Certificate)) (certificate, key []byte) {
		l := leafFor(host)
		change(l)
		_, certificate, key = sign(t, l, middle)
		return certificate, key
	}
	_, self, selfKey := sign(t, leafFor(host), nil)
	wildcard, wildcardKey := template(func(c *x509.Certificate) { c.DNSNames = []string{"*.example.com"} })
	address, addressKey := template(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.ParseIP("192.0.2.7")} })
	nameless, namelessKey := template(func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, host })
	old, oldKey := template(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = start.Add(-2*day), start })
	early, earlyKey := template(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = start.Add(time.Second), start.Add(day) })
	clientOnly, clientKey := template(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	short, shortKey := template(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = start, start.Add(time.Minute) })
	both := append(append([]byte{}, rootPEM...), otherPEM...)
	data := func(crt, key []byte, ca ...[]byte) map[string][]byte {
		d := map[string][]byte{keyCertificate: crt, keyPrivate: key}
		for _, one := range ca {
			d[keyCA] = one
		}
		return d
	}
	for name, c := range map[string]struct {
		data        map[string][]byte
		certManager bool
		issuer      string
		reason      string
		message     string
		ca          string
		next        time.Duration
	}{
		"missing":                {nil, false, "", v1alpha1.ReasonSecretMissing, "Secret ns/tls does not exist; make it", "", 0},
		"cert-manager at work":   {nil, true, "", v1alpha1.ReasonIssuing, "kubectl describe certificate", "", 0},
		"no private key":         {data(chain, nil), false, "", v1alpha1.ReasonSecretMissing, "no key tls.key", "", 0},
		"no certificate":         {data(nil, key), true, "", v1alpha1.ReasonIssuing, "no key tls.crt", "", 0},
		"not PEM":                {data([]byte("secret text"), key), false, "", v1alpha1.ReasonSecretInvalid, "tls.crt and tls.key", "", 0},
		"key of another":         {data(chain, otherKey), false, "", v1alpha1.ReasonSecretInvalid, "does not match", "", 0},
		"another name":           {data(chain, key), false, "https://other.example.com", v1alpha1.ReasonNameMismatch, "is for login.example.com, and not for other.example.com", "", 0},
		"only a common name":     {data(nameless, namelessKey), false, "", v1alpha1.ReasonNameMismatch, "is for no name", "", 0},
		"expired":                {data(old, oldKey), false, "", v1alpha1.ReasonExpired, "expired at 2026-03-01T12:00:00Z; put a certificate there", "", 0},
		"expired, cert-manager":  {data(old, oldKey), true, "", v1alpha1.ReasonExpired, "cert-manager has to issue", "", 0},
		"not valid yet":          {data(early, earlyKey), false, "", v1alpha1.ReasonSecretInvalid, "valid from", "", 0},
		"for clients only":       {data(clientOnly, clientKey), false, "", v1alpha1.ReasonSecretInvalid, "serverAuth", "", 0},
		"ca.crt of another":      {data(chain, key, otherPEM), false, "", v1alpha1.ReasonSecretInvalid, "its key ca.crt does not hold the CA", "", 0},
		"ca.crt, no middle":      {data(good, key, rootPEM), false, "", v1alpha1.ReasonSecretInvalid, "its key ca.crt", "", 0},
		"ca.crt is no PEM":       {data(chain, key, []byte("x")), false, "", v1alpha1.ReasonSecretInvalid, "its key ca.crt", "", 0},
		"wrong further ones":     {data(append(append([]byte{}, good...), otherPEM...), key), false, "", v1alpha1.ReasonSecretInvalid, "no further certificate", "", 0},
		"private":                {data(chain, key, rootPEM), false, "", v1alpha1.ReasonIssued, "is valid until", string(rootPEM), time.Hour},
		"private, next CA there": {data(chain, key, both), false, "", v1alpha1.ReasonIssued, "", string(both), time.Hour},
		"a key in ca.crt":        {data(chain, key, append(append([]byte{}, rootPEM...), otherKey...)), false, "", v1alpha1.ReasonIssued, "", string(rootPEM), time.Hour},
		"public":                 {data(chain, key), false, "", v1alpha1.ReasonIssued, "", "", time.Hour},
		"ACME, empty ca.crt":     {data(chain, key, nil), true, "", v1alpha1.ReasonIssued, "", "", time.Hour},
		"public, no middle":      {data(good, key), false, "", v1alpha1.ReasonIssued, "", "", time.Hour},
		"self-signed":            {data(self, selfKey), false, "", v1alpha1.ReasonIssued, "", string(self), time.Hour},
		"wildcard":               {data(wildcard, wildcardKey), false, "", v1alpha1.ReasonIssued, "", "", time.Hour},
		"address":                {data(address, addressKey), false, "https://192.0.2.7:8443", v1alpha1.ReasonIssued, "", "", time.Hour},
		"soon over":              {data(short, shortKey), false, "", v1alpha1.ReasonIssued, "", "", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if c.issuer == "" {
				c.issuer = "https://" + host
			}
			if c.next == 0 {
				c.next = time.Minute
			}
			v := JudgeSecret(SecretInput{Ref: "ns/tls", Data: c.data, CertManager: c.certManager, Issuer: c.issuer, Now: start})
			if v.Reason != c.reason || v.Ready != (c.reason == v1alpha1.ReasonIssued) || !strings.Contains(v.Message, c.message) {
				t.Errorf("verdict %+v, want %s with %q", v, c.reason, c.message)
			}
			if v.CA != c.ca {
				t.Errorf("CA for apps\n%q, want\n%q", v.CA, c.ca)
			}
			if got := v.Next.Sub(start); got != c.next {
				t.Errorf("judged again after %s, want %s", got, c.next)
			}
			if strings.Contains(v.Message, "secret text") || strings.Contains(v.Message, "BEGIN") {
				t.Errorf("the message quotes the Secret: %s", v.Message)
			}
		})
	}
}

// A bundle of all public roots is not copied into each credentials Secret.
func TestLargeBundleIsCutToWhatIsNeeded(t *testing.T) {
	root, rootPEM, _ := sign(t, ca("root"), nil)
	_, leaf, key := sign(t, leafFor("login.example.com"), root)
	_, other, _ := sign(t, ca("other"), nil)
	all := []byte(strings.Repeat(string(other), maxCA/len(other)+1) + string(rootPEM))
	v := JudgeSecret(SecretInput{Ref: "ns/tls", Data: map[string][]byte{keyCertificate: leaf, keyPrivate: key, keyCA: all}, Issuer: "https://login.example.com", Now: start})
	if !v.Ready || v.CA != string(rootPEM) {
		t.Errorf("ready %t, CA of %d bytes, want %d", v.Ready, len(v.CA), len(rootPEM))
	}
}

func TestJoin(t *testing.T) {
	good := Verdict{Ready: true, Reason: v1alpha1.ReasonIssued, Next: start.Add(time.Hour), Expires: start.Add(day)}
	public := Verdict{Ready: true, Reason: v1alpha1.ReasonIssued, Next: start.Add(2 * time.Hour), Expires: start.Add(2 * day)}
	bad := Verdict{Reason: v1alpha1.ReasonNameMismatch, Next: start.Add(time.Minute)}
	for name, c := range map[string]struct {
		own    Verdict
		public *Verdict
		want   Verdict
	}{
		"Generated":     {good, nil, good},
		"own is wrong":  {bad, &public, bad},
		"public is bad": {good, &bad, bad},
		"both good":     {good, &public, Verdict{Ready: true, Reason: v1alpha1.ReasonIssued, Next: good.Next, Expires: public.Expires}},
	} {
		if got := Join(c.own, c.public); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// K5: which CA apps get.
func TestK5CAForApps(t *testing.T) {
	private := &Verdict{Ready: true, CA: "private"}
	for name, c := range map[string]struct {
		issuer    string
		generated bool
		bundle    string
		public    *Verdict
		want      string
		known     bool
	}{
		"own Service":              {"https://clientele-default.clientele-system.svc", true, "own", nil, "own", true},
		"own Service, with a port": {"https://clientele-default.clientele-system.svc.cluster.local:443/x", true, "own", nil, "own", true},
		"own Service, short":       {"https://clientele-default.clientele-system", true, "own", nil, "own", true},
		"not the registrar's":      {"https://clientele-default-registrar.clientele-system.svc", true, "own", nil, "", true},
		"another server's Service": {"https://clientele-default.elsewhere.svc", true, "own", nil, "", true},
		"behind a gateway":         {"https://login.example.com", true, "own", nil, "", true},
		"nothing made yet":         {"https://clientele-default.clientele-system.svc", true, "", nil, "", false},
		"private":                  {"https://login.example.com", false, "own", private, "private", true},
		"public, or ACME":          {"https://login.example.com", false, "own", &Verdict{Ready: true}, "", true},
		"wrong":                    {"https://login.example.com", false, "own", &Verdict{CA: "x"}, "", false},
		"not judged yet":           {"https://login.example.com", false, "own", nil, "", false},
	} {
		n := names()
		n.Issuer = c.issuer
		got, known := ForApps(AppsInput{Names: n, Generated: c.generated, Bundle: c.bundle, Public: c.public})
		if got != c.want || known != c.known {
			t.Errorf("%s: %q, known %t; want %q, %t", name, got, known, c.want, c.known)
		}
	}
}
