package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele.dev/clientele/hack/testenv"
)

// server is an AuthorizationServer's spec with more fields.
func server(fields ...string) string {
	return "issuer: https://as.example.com\ntype: Unmanaged\nunmanaged: {}\n" + strings.Join(fields, "\n")
}

func issuer(url string) string {
	return "type: Unmanaged\nunmanaged: {}\nissuer: " + url
}

func TestAuthorizationServerSchema(t *testing.T) {
	issuerURL := []string{"spec.issuer", "must be an https URL"}
	issuerParts := []string{"spec.issuer", "no query, fragment, user name, white space or trailing slash"}
	checkCreate(t, "AuthorizationServer", []rule{
		{"least", server(), nil},
		{"no issuer", "type: Unmanaged\nunmanaged: {}", []string{"spec.issuer", "Required"}},
		{"issuer with path", issuer("https://as.example.com/tenant/a"), nil},
		{"issuer http on loopback", issuer("http://127.0.0.1:8080"), nil},
		{"issuer http on IPv6 loopback", issuer("'http://[::1]:8080'"), nil},
		{"issuer http on localhost", issuer("http://localhost:8080"), nil},
		{"issuer http elsewhere", issuer("http://as.example.com"), issuerURL},
		{"issuer http on a name that starts like localhost", issuer("http://localhost.evil.example"), issuerURL},
		{"issuer without scheme", issuer("as.example.com"), issuerURL},
		{"issuer without host", issuer("https:///path"), issuerURL},
		{"issuer of another scheme", issuer("ftp://as.example.com"), issuerURL},
		{"issuer with query", issuer("https://as.example.com?a=b"), issuerParts},
		{"issuer with empty query", issuer("'https://as.example.com?'"), issuerParts},
		{"issuer with fragment", issuer("'https://as.example.com#a'"), issuerParts},
		{"issuer with user name", issuer("https://admin@as.example.com"), issuerParts},
		{"issuer with trailing slash", issuer("https://as.example.com/"), issuerParts},
		{"issuer with a space", issuer("'https://as.example.com/a b'"), issuerParts},
		{"issuer with capitals in the scheme", issuer("HTTPS://as.example.com"), issuerParts},
		{"issuer too long", issuer("https://as.example.com/" + strings.Repeat("a", 500)), []string{"spec.issuer", "512"}},
		{"unknown type", "issuer: https://as.example.com\ntype: External\nunmanaged: {}", []string{"spec.type", `"Managed", "Unmanaged"`}},
		{"without unmanaged", "issuer: https://as.example.com\ntype: Unmanaged", nil},

		{"url", issuer("https://as.example.com") + "\nunmanaged: {url: 'http://127.0.0.1:1'}", nil},
		{"url without TLS", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {url: 'http://as.svc'}", []string{"spec.unmanaged.url", "must be an https URL"}},
		{"registrarURL", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {registrarURL: 'https://as-registrar.ns.svc:8444'}", nil},
		{"registrarURL without TLS", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {registrarURL: 'http://as.svc'}", []string{"spec.unmanaged.registrarURL", "must be an https URL"}},
		{"K9: caBundleRef", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {kind: ConfigMap, name: internal-ca, key: root.pem}}", nil},
		{"K9: caBundleRef of a Secret", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {kind: Secret, name: internal-ca}}", nil},
		{"K9: caBundleRef of another kind", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {kind: Pod, name: a}}", []string{"spec.unmanaged.caBundleRef.kind", `"ConfigMap", "Secret"`}},
		{"K9: caBundleRef without kind", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {name: a}}", []string{"spec.unmanaged.caBundleRef.kind", "Required"}},
		{"K9: caBundleRef in capitals", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {kind: Secret, name: A}}", []string{"spec.unmanaged.caBundleRef.name", "should match"}},
		{"K9: caBundleRef with a slash in its key", "issuer: https://a.example\ntype: Unmanaged\nunmanaged: {caBundleRef: {kind: Secret, name: a, key: b/c}}", []string{"spec.unmanaged.caBundleRef.key", "should match"}},

		{"defaultResource", server("defaultResource: https://api.example.com/v1"), nil},
		{"defaultResource that is no URI", server("defaultResource: api"), []string{"spec.defaultResource", "absolute URI without a fragment"}},
		{"defaultResource with fragment", server("defaultResource: 'https://api.example.com#a'"), []string{"spec.defaultResource", "absolute URI without a fragment"}},

		{"trusted proxies", server("trustedProxies: [10.1.2.0/28, 10.1.2.3/32, 'fd12::/64']"), nil},
		{"trusted proxy by address", server("trustedProxies: [10.1.2.3]"), []string{"spec.trustedProxies[0]", "a network such as 10.1.2.0/28"}},
		{"trusted proxy by name", server("trustedProxies: [ingress]"), []string{"spec.trustedProxies[0]", "a network such as 10.1.2.0/28"}},
		{"trusted proxies everywhere", server("trustedProxies: [10.0.0.0/8, '::/0']"), []string{"spec.trustedProxies[1]", "anyone could then claim any address"}},
		{"trusted proxy written as IPv6", server("trustedProxies: ['::ffff:10.0.0.0/104']"), []string{"spec.trustedProxies[0]", "a network such as 10.1.2.0/28"}},
		{"too many trusted proxies", server("trustedProxies: " + names(33, func(i int) string { return fmt.Sprintf("10.0.%d.0/24", i) })), []string{"spec.trustedProxies", "32"}},
		{"outboundAllow", server("outboundAllow: [10.1.0.0/16, 'fd12:3456::/32', 0.0.0.0/0]"), nil},
		{"outboundAllow by address", server("outboundAllow: [10.1.0.1]"), []string{"spec.outboundAllow[0]", "networks without bits behind their length"}},
		{"outboundAllow with bits behind", server("outboundAllow: [10.1.0.1/16]"), []string{"spec.outboundAllow[0]", "networks without bits behind their length"}},
		{"outboundAllow of a metadata service", server("outboundAllow: [10.1.0.0/16, 169.254.169.254/32]"), []string{"spec.outboundAllow[1]", "they are never permitted"}},
		{"outboundAllow of multicast", server("outboundAllow: ['ff02::/16']"), []string{"spec.outboundAllow[0]", "they are never permitted"}},

		{"RS256", server("signing: {accessTokenAlgorithm: RS256, rotateEvery: 24h, jwksMaxAge: 0s}"), nil},
		{"unknown algorithm", server("signing: {accessTokenAlgorithm: HS256}"), []string{"spec.signing.accessTokenAlgorithm", `"ES256", "RS256"`}},
		{"rotateEvery too short", server("signing: {rotateEvery: 59s}"), []string{"spec.signing.rotateEvery", "between 1m and 87600h"}},
		{"rotateEvery too long", server("signing: {rotateEvery: 87601h}"), []string{"spec.signing.rotateEvery", "between 1m and 87600h"}},
		{"rotateEvery in days", server("signing: {rotateEvery: 90d}"), []string{"spec.signing.rotateEvery", "a duration in h, m and s"}},
		{"jwksMaxAge negative", server("signing: {jwksMaxAge: -1s}"), []string{"spec.signing.jwksMaxAge", "between 0s and 24h"}},
		{"jwksMaxAge too long", server("signing: {jwksMaxAge: 25h}"), []string{"spec.signing.jwksMaxAge", "between 0s and 24h"}},
		{"accessTokenLifetime", server("tokens: {accessTokenLifetime: 1h30m}"), nil},
		{"accessTokenLifetime too short", server("tokens: {accessTokenLifetime: 30s}"), []string{"spec.tokens.accessTokenLifetime", "between 1m and 24h"}},
		{"accessTokenLifetime too long", server("tokens: {accessTokenLifetime: 25h}"), []string{"spec.tokens.accessTokenLifetime", "between 1m and 24h"}},
	})
}

func TestAuthorizationServerImmutable(t *testing.T) {
	checkUpdate(t, "AuthorizationServer", []change{
		{"issuer", server(), issuer("https://other.example"), []string{"spec.issuer", "issuer is immutable"}},
		{"type, to one that there is not", server(), strings.Replace(server(), "type: Unmanaged", "type: External", 1), []string{"spec.type", "Unmanaged"}},
		{"everything else", server(), server("defaultResource: https://a.example", "registration: {mode: Open}"), nil},
	})
}

func TestAuthorizationServerName(t *testing.T) {
	c := testenv.Client(t)
	ns := testenv.Namespace(t)
	check(t, c.Create(t.Context(), object(t, "AuthorizationServer", ns, strings.Repeat("a", 63), server())), nil)
	err := c.Create(t.Context(), object(t, "AuthorizationServer", ns, strings.Repeat("a", 64), server()))
	check(t, err, []string{"metadata.name must have at most 63 characters"})
}
