package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// caLifetime is how long an authority is valid.
	caLifetime = 10 * 365 * 24 * time.Hour
	// backdate is how much earlier than now a certificate begins, for clients whose
	// clocks are behind.
	backdate = 5 * time.Minute
)

// Authority is a CA: P-256, for the names of one server only. It redacts its key.
type Authority struct {
	Certificate *x509.Certificate
	// key is nil once the authority signs no more.
	key *ecdsa.PrivateKey
	// TrustedSince is since when the certificate is known to be in the ConfigMap,
	// without a break; zero: not yet.
	TrustedSince time.Time
	// UsedUntil is when the last certificate that it signed expires; zero: it signed
	// none.
	UsedUntil time.Time
}

// String names the authority by its key id.
func (a *Authority) String() string { return "CA " + a.ID() }

// GoString is String.
func (a *Authority) GoString() string { return a.String() }

// Format writes String for every verb, so that the key is never printed.
func (a *Authority) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }

// ID is the first eight hexadecimal digits of the subject key identifier. The common
// name of the certificate ends with it.
func (a *Authority) ID() string { return shortID(a.Certificate.SubjectKeyId) }

func shortID(keyID []byte) string { return hex.EncodeToString(keyID[:min(4, len(keyID))]) }

// newAuthority makes a CA that can sign for the wanted names only.
func newAuthority(n Names, now time.Time, random io.Reader) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("make the key of a CA: %w", err)
	}
	template, err := newTemplate(&key.PublicKey, now, now.Add(caLifetime), random)
	if err != nil {
		return nil, err
	}
	template.Subject = pkix.Name{
		Organization: []string{"Clientele"}, OrganizationalUnit: []string{n.Namespace},
		CommonName: n.Server + " CA " + shortID(template.SubjectKeyId), // at most 64 characters (RFC 5280, Appendix A)
	}
	template.AuthorityKeyId = template.SubjectKeyId
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	constrain(template, n.wanted())
	der, err := x509.CreateCertificate(random, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of a CA: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of a CA: %w", err)
	}
	return &Authority{Certificate: certificate, key: key}, nil
}

// constrain limits a CA to the hosts themselves (RFC 5280, Section 4.2.1.10). A
// permitted DNS name permits its subdomains too, so that these are excluded: an issuer
// may be the apex of a company's domain. Verifiers that know no leading dot ignore that
// exclusion. A form of names that is not mentioned is not limited: addresses are
// excluded where none is wanted.
func constrain(template *x509.Certificate, h hosts) {
	template.PermittedDNSDomainsCritical = true
	template.PermittedDNSDomains = h.dns
	for _, domain := range h.dns {
		if !slices.ContainsFunc(h.dns, func(name string) bool { return under(name, domain) }) {
			template.ExcludedDNSDomains = append(template.ExcludedDNSDomains, "."+domain)
		}
	}
	for _, ip := range h.ips {
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())})
	}
	if len(h.ips) == 0 {
		template.ExcludedIPRanges = []*net.IPNet{
			{IP: make(net.IP, net.IPv4len), Mask: net.CIDRMask(0, 8*net.IPv4len)},
			{IP: make(net.IP, net.IPv6len), Mask: net.CIDRMask(0, 8*net.IPv6len)},
		}
	}
}

// coverable are those of the hosts that the authority can sign for.
func (a *Authority) coverable(h hosts) hosts {
	c := a.Certificate
	var can hosts
	for _, name := range h.dns {
		permitted := slices.ContainsFunc(c.PermittedDNSDomains, func(d string) bool { return name == d || under(name, d) })
		excluded := slices.ContainsFunc(c.ExcludedDNSDomains, func(d string) bool { return name == d || under(name, trimDot(d)) })
		if permitted && !excluded {
			can.dns = append(can.dns, name)
		}
	}
	for _, ip := range h.ips {
		if slices.ContainsFunc(c.PermittedIPRanges, func(r *net.IPNet) bool { return r.Contains(ip.AsSlice()) }) {
			can.ips = append(can.ips, ip)
		}
	}
	return can
}

func trimDot(domain string) string {
	if domain != "" && domain[0] == '.' {
		return domain[1:]
	}
	return domain
}

// covers says whether the authority can sign for all of the hosts.
func (a *Authority) covers(h hosts) bool {
	can := a.coverable(h)
	return slices.Equal(can.dns, h.dns) && slices.Equal(can.ips, h.ips)
}

// signed says whether the authority signed a certificate.
func (a *Authority) signed(leaf *x509.Certificate) bool {
	return bytes.Equal(leaf.RawIssuer, a.Certificate.RawSubject) && leaf.CheckSignatureFrom(a.Certificate) == nil
}

// same says whether two authorities have the same certificate.
func (a *Authority) same(certificate *x509.Certificate) bool {
	return a.Certificate.Equal(certificate)
}

// pem is the certificate.
func (a *Authority) pem() []byte { return certificatePEM(a.Certificate.Raw) }

// retire makes sure that the authority signs no more.
func (a *Authority) retire() { a.key = nil }

// ofServer says whether a certificate in a bundle is that of an authority of a server:
// a root that is limited to names of which the registrar's is one.
func ofServer(c *x509.Certificate, n Names) bool {
	return c.IsCA && c.PermittedDNSDomainsCritical && slices.Contains(c.PermittedDNSDomains, n.registrar()) &&
		bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignatureFrom(c) == nil
}

// issued is a serving certificate with its key and the authority that signed it.
type issued struct {
	certificate *x509.Certificate
	data        map[string][]byte
}

// issue signs a certificate for the hosts, valid until the given time.
func (a *Authority) issue(server string, h hosts, now, until time.Time, random io.Reader) (issued, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return issued{}, fmt.Errorf("make the key of a serving certificate: %w", err)
	}
	template, err := newTemplate(&key.PublicKey, now, until, random)
	if err != nil {
		return issued{}, err
	}
	template.Subject = pkix.Name{Organization: []string{"Clientele"}, CommonName: server}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.DNSNames = h.dns
	for _, ip := range h.ips {
		template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
	}
	der, err := x509.CreateCertificate(random, template, a.Certificate, &key.PublicKey, a.key)
	if err != nil {
		return issued{}, fmt.Errorf("sign a serving certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return issued{}, fmt.Errorf("sign a serving certificate: %w", err)
	}
	private, err := keyPEM(key)
	if err != nil {
		return issued{}, err
	}
	return issued{certificate, map[string][]byte{keyCertificate: certificatePEM(der), keyPrivate: private, keyCA: a.pem()}}, nil
}

// newTemplate has what every certificate has: a serial number of 127 random bits, the
// time it is valid, serverAuth as its only purpose, and a subject key identifier
// (RFC 7093, Section 2, method 1).
func newTemplate(public *ecdsa.PublicKey, now, until time.Time, random io.Reader) (*x509.Certificate, error) {
	var serial [16]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	serial[0] &= 0x7F
	serial[15] |= 1 // above 0
	point, err := public.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode a public key: %w", err)
	}
	id := sha256.Sum256(point)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:]),
		NotBefore:    now.Add(-backdate), NotAfter: until,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		SubjectKeyId: id[:20],
	}, nil
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// parseCertificates reads PEM text and skips what is no certificate that can be read.
func parseCertificates(text []byte) []*x509.Certificate {
	var all []*x509.Certificate
	for len(text) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			all = append(all, c)
		}
	}
	return all
}

// parseKey reads a private key. Its errors do not quote the text.
func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is not in PKCS #8")
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("it is not an ECDSA key")
	}
	return private, nil
}

// matches says whether a private key belongs to a certificate.
func matches(key *ecdsa.PrivateKey, c *x509.Certificate) bool {
	public, ok := c.PublicKey.(*ecdsa.PublicKey)
	return ok && public.Equal(&key.PublicKey)
}

// hostsIn are the hosts that a certificate is for.
func hostsIn(c *x509.Certificate) hosts {
	h := hosts{dns: c.DNSNames}
	for _, ip := range c.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			h.ips = append(h.ips, addr.Unmap())
		}
	}
	return h
}
