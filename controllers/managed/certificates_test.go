package managed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/pki"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reader is a client that read ConfigMap clientele-default-ca at some time.
type reader struct{ pool *x509.CertPool }

func (b *bench) read(t *testing.T) (reader, string) {
	t.Helper()
	c := &corev1.ConfigMap{}
	b.must(t, "clientele-default-ca", c)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(c.Data["ca.crt"])) {
		t.Fatal("the ConfigMap holds no certificate")
	}
	return reader{pool}, c.Data["ca.crt"]
}

// verifies says that the reader accepts what is served, for both Services.
func (r reader) verifies(t *testing.T, b *bench, when string) *x509.Certificate {
	t.Helper()
	s := &corev1.Secret{}
	b.must(t, "clientele-default-tls", s)
	block, _ := pem.Decode(s.Data["tls.crt"])
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"clientele-default.", "clientele-default-registrar."} {
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: r.pool, CurrentTime: b.now, DNSName: service + b.server.Namespace + ".svc"}); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	return leaf
}

func (b *bench) annotate(t *testing.T, value string) {
	t.Helper()
	b.must(t, "default", b.server)
	metav1.SetMetaDataAnnotation(&b.server.ObjectMeta, v1alpha1.AnnotationRotateCA, value)
	if err := b.client.Update(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) wantTold(t *testing.T, reason string) {
	t.Helper()
	if told := b.told(); len(told) != 1 || !strings.Contains(told[0], " "+reason+" ") {
		t.Errorf("events %q, want one: %s", told, reason)
	}
}

// A rotation, a lost CA, an edited ConfigMap and a lost serving certificate, each with
// clients that read the ConfigMap before and after.
func TestCertificatesOnTheAPIServer(t *testing.T) {
	m := claimed()
	m.TLS = v1alpha1.ManagedTLS{Type: v1alpha1.TLSGenerated, Generated: &v1alpha1.GeneratedTLS{CAOverlap: metav1.Duration{Duration: time.Hour}}}
	b := newBench(t, m)
	s := b.settle(t)
	before, bundle := b.read(t)
	first := before.verifies(t, b, "at the start")
	if !s.Own.Ready || s.AppsBundle != bundle || !s.AppsBundleKnown {
		t.Errorf("verdict %+v; apps get the bundle: %t", s.Own, s.AppsBundle == bundle)
	}

	b.annotate(t, "1")
	s = b.settle(t)
	b.wantTold(t, pki.EventCARotationBegan)
	if leaf := before.verifies(t, b, "next CA made"); !leaf.Equal(first) {
		t.Error("the next CA signs at once")
	}
	after, bundle := b.read(t)
	if strings.Count(bundle, "BEGIN CERTIFICATE") != 2 || s.AppsBundle != bundle {
		t.Error("the next CA is not in the bundle")
	}
	b.now = b.now.Add(59 * time.Minute)
	b.settle(t)
	if leaf := after.verifies(t, b, "before caOverlap is over"); !leaf.Equal(first) {
		t.Error("the next CA signs before caOverlap is over")
	}
	b.now = b.now.Add(2 * time.Minute)
	b.settle(t)
	b.wantTold(t, pki.EventCARotated)
	second := after.verifies(t, b, "next CA signs")
	if second.Equal(first) {
		t.Error("the next CA does not sign")
	}

	ca := &corev1.Secret{}
	b.must(t, "clientele-default-ca", ca)
	if err := b.client.Delete(t.Context(), ca); err != nil {
		t.Fatal(err)
	}
	b.settle(t)
	b.wantTold(t, pki.EventCALost)
	if leaf := after.verifies(t, b, "CA lost"); !leaf.Equal(second) {
		t.Error("the certificate in use did not live on")
	}
	now, bundle := b.read(t)
	now.verifies(t, b, "CA lost, read again")
	b.patch(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.server.Namespace, Name: "clientele-default-ca"}}, `{"data":{"ca.crt":"mine"}}`)
	b.settle(t)
	b.told() // that somebody edits it
	if _, again := b.read(t); again != bundle {
		t.Error("an edited ConfigMap is not put back")
	}

	b.now = b.now.Add(time.Hour + time.Minute)
	b.settle(t)
	b.wantTold(t, pki.EventCARotated)
	third := now.verifies(t, b, "the CA after the lost one signs")
	serving := &corev1.Secret{}
	b.must(t, "clientele-default-tls", serving)
	if err := b.client.Delete(t.Context(), serving); err != nil {
		t.Fatal(err)
	}
	b.settle(t)
	b.wantTold(t, pki.EventCertificateReplaced)
	if now.verifies(t, b, "serving certificate lost").Equal(third) {
		t.Error("no new certificate")
	}
}

// A CA that cannot be read is left to a person, who may delete it.
func TestDamagedCAOnTheAPIServer(t *testing.T) {
	b := newBench(t, claimed())
	b.settle(t)
	client, bundle := b.read(t)
	ca := &corev1.Secret{}
	b.must(t, "clientele-default-ca", ca)
	b.patch(t, ca, `{"data":{"authorities.json":"b29wcw=="}}`)
	b.must(t, "clientele-default-ca", ca)
	damaged := ca.ResourceVersion
	s := b.settle(t)
	if s.Own.Ready || s.Own.Reason != v1alpha1.ReasonSecretInvalid || s.AppsBundleKnown {
		t.Errorf("verdict %+v; the CA of apps is known: %t", s.Own, s.AppsBundleKnown)
	}
	b.must(t, "clientele-default-ca", ca)
	if _, again := b.read(t); ca.ResourceVersion != damaged || again != bundle {
		t.Error("something was overwritten")
	}
	client.verifies(t, b, "CA damaged")
	if err := b.client.Delete(t.Context(), ca); err != nil {
		t.Fatal(err)
	}
	if s = b.settle(t); !s.Own.Ready {
		t.Errorf("verdict %+v after the Secret was deleted", s.Own)
	}
	client.verifies(t, b, "damaged CA deleted")
}

// Apps get the CA of a certificate in a Secret that is given; the operator's own stays
// with the registrar API.
func TestK5PrivateCAOfAGivenCertificate(t *testing.T) {
	m := claimed()
	m.TLS = v1alpha1.ManagedTLS{Type: v1alpha1.TLSSecret, Secret: &v1alpha1.TLSSecretReference{Name: "mine"}}
	b := newBench(t, m)
	if s := b.settle(t); s.AppsBundleKnown || !s.Own.Ready {
		t.Errorf("apps' CA is known without the Secret, or %+v", s.Own)
	}
	certificate, key := selfSigned(t, "clientele-default."+b.server.Namespace+".svc", b.now)
	b.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.server.Namespace, Name: "mine"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": certificate},
	})
	s := b.settle(t)
	if s.Public == nil || !s.Public.Ready || s.AppsBundle != string(certificate) || !s.AppsBundleKnown {
		t.Errorf("%+v, apps get %q", s.Public, s.AppsBundle)
	}
	own, bundle := b.read(t)
	own.verifies(t, b, "registrar API")
	if bundle == s.AppsBundle {
		t.Error("ConfigMap clientele-default-ca holds the given CA")
	}
}

func selfSigned(t *testing.T, host string, now time.Time) (certificate, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private"}, DNSNames: []string{host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}
