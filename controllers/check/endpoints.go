package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
)

// soon is when a certificate that ends has to be renewed by now.
const soon = 7 * 24 * time.Hour

// checkEndpoints looks at each server as its clients do: its certificate, its metadata,
// its keys.
func (k *checker) checkEndpoints(ctx context.Context) {
	for _, s := range k.servers {
		if s.reached {
			k.checkServerEndpoints(ctx, s)
		}
	}
}

func (k *checker) checkServerEndpoints(ctx context.Context, s *server) {
	what := fmt.Sprintf("endpoints of AuthorizationServer %s", s)
	describe := fmt.Sprintf("kubectl -n %s describe authorizationserver %s", s.Namespace, s.Name)
	roots, err := k.roots(ctx, s)
	if err != nil {
		k.unread(checkEndpoints, "CA of AuthorizationServer "+s.String(), err)
	}
	s.client = clientOf(s, roots)
	if strings.HasPrefix(s.base, "https://") && !k.checkCertificate(ctx, s, roots) {
		return
	}
	m, header, err := readMetadata(ctx, s.client, s.Spec.Issuer, s.base)
	k.checkServerClock(s, header)
	switch {
	case errors.Is(err, errIssuer):
		k.fail(checkEndpoints, what, err.Error()+": another server answers at this address", describe)
		return
	case err != nil:
		k.fail(checkEndpoints, what, "the metadata cannot be read: "+err.Error(), describe)
		return
	}
	s.metadata = m
	var served keySet
	if _, err := get(ctx, s.client, m.JWKSURI, &served); err != nil {
		k.fail(checkEndpoints, what, "the keys cannot be read: "+err.Error(), describe)
		return
	}
	if missing := missingKeys(s.Status.SigningKeys, served); len(missing) > 0 {
		k.fail(checkEndpoints, what, "key "+strings.Join(missing, ", ")+" signs, and is not in the JWKS: APIs refuse its tokens",
			fmt.Sprintf("kubectl -n %s get authorizationserver %s -o jsonpath='{.status.signingKeys}'", s.Namespace, s.Name))
		return
	}
	k.ok(checkEndpoints, what, fmt.Sprintf("issuer right, %d keys", len(served.Keys)))
}

// missingKeys are the keys that sign and are not served.
func missingKeys(keys []v1alpha1.SigningKeyStatus, served keySet) []string {
	var missing []string
	for _, key := range keys {
		isServed := slices.ContainsFunc(served.Keys, func(k struct {
			KID string `json:"kid"`
		}) bool {
			return k.KID == key.KID
		})
		if key.Phase == v1alpha1.KeyActive && !isServed {
			missing = append(missing, key.KID)
		}
	}
	return missing
}

// checkCertificate says whether clients accept the server's certificate.
func (k *checker) checkCertificate(ctx context.Context, s *server, roots *x509.CertPool) bool {
	what := fmt.Sprintf("certificate of AuthorizationServer %s", s)
	describe := fmt.Sprintf("kubectl -n %s describe authorizationserver %s", s.Namespace, s.Name)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	raw, err := s.way.dial(ctx)
	if err != nil {
		k.fail(checkEndpoints, what, err.Error(), describe)
		return false
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: host(s.base), MinVersion: tls.VersionTLS12, Time: k.now})
	if err := conn.HandshakeContext(ctx); err != nil {
		k.fail(checkEndpoints, what, untrusted(err), describe)
		return false
	}
	leaf := conn.ConnectionState().PeerCertificates[0]
	until := leaf.NotAfter.UTC().Format(time.RFC3339)
	if leaf.NotAfter.Sub(k.now()) < soon {
		k.warn(checkEndpoints, what, "it ends at "+until+", and has not been renewed", describe)
		return true
	}
	k.ok(checkEndpoints, what, "for "+host(s.base)+" until "+until)
	return true
}

// untrusted says in short why a certificate is not accepted.
func untrusted(err error) string {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("it is valid from %s to %s only", invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &name):
		return fmt.Sprintf("it is for %s, not for %s, by which the server is reached", strings.Join(name.Certificate.DNSNames, ", "), name.Host)
	case errors.As(err, &unknown):
		return fmt.Sprintf("no CA that is known here signed it; it is of %s", unknown.Cert.Issuer)
	}
	return err.Error()
}

func host(of string) string {
	u, err := url.Parse(of)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// roots are the system's, and those that the server's own certificate may come from.
func (k *checker) roots(ctx context.Context, s *server) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM([]byte(s.Status.CABundle))
	if s.managed() {
		ca := &corev1.ConfigMap{}
		if err := k.c.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: v1alpha1.ServerCAName(s.Name)}, ca); err != nil {
			return pool, err
		}
		pool.AppendCertsFromPEM([]byte(ca.Data[v1alpha1.CABundleKey]))
		return pool, nil
	}
	if u := s.Spec.Unmanaged; u != nil && u.CABundleRef != nil {
		registrar.ReadBundles{Client: k.c}.Follow(ctx, s.Namespace, *u.CABundleRef, func(pem []byte, failed error) {
			pool.AppendCertsFromPEM(pem)
			err = failed
		})
		return pool, err
	}
	return pool, nil
}

// clientOf reaches the server's host by its way, and other hosts not at all.
// It follows no redirect: that leads elsewhere.
func clientOf(s *server, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if name, _, err := net.SplitHostPort(address); err != nil || name != host(s.base) {
					return nil, fmt.Errorf("%s is not where the server is", address)
				}
				return s.way.dial(ctx)
			},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
