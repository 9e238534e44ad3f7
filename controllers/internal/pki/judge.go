package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

const (
	// againWrong and againRight are when a Secret that the operator does not watch is
	// read again.
	againWrong = time.Minute
	againRight = time.Hour
	// maxCA bounds what is copied into each credentials Secret, in bytes.
	maxCA = 64 << 10
)

// Verdict says whether a certificate can serve, in the words of condition
// CertificateReady.
type Verdict struct {
	Ready bool
	// Reason is v1alpha1.ReasonIssued or, if not Ready, Issuing, SecretMissing,
	// SecretInvalid, NameMismatch or Expired.
	Reason, Message string
	// Expires is when the certificate ends; zero: there is none that can be read.
	Expires time.Time
	// Next is when to judge again.
	Next time.Time
	// CA holds the certificates, in PEM, with which clients verify the certificate.
	// Empty and Ready: the roots that clients have anyway.
	CA string
}

// verdict is about the operator's own certificate, as it was read.
func (p *planner) verdict() Verdict {
	v := Verdict{Reason: v1alpha1.ReasonIssuing}
	where, leaf := servingName(p.in.Names), p.current.leaf
	if leaf != nil {
		v.Expires = leaf.NotAfter
	}
	switch {
	case p.in.Serving == nil:
		v.Message = "the certificate is being issued"
	case leaf == nil || p.current.issuer == nil || p.now.Before(leaf.NotBefore):
		v.Message = "the certificate in " + where + " is of no use and is being replaced"
	case expired(leaf, p.now):
		v.Reason = v1alpha1.ReasonExpired
		v.Message = fmt.Sprintf("the certificate in %s expired at %s; the operator renews it, and the server reads the new one within two minutes", where, told(leaf.NotAfter))
	case !hostsIn(leaf).includes(p.essential):
		v.Reason = v1alpha1.ReasonNameMismatch
		v.Message = fmt.Sprintf("the certificate in %s is not for all names of the server; the operator replaces it", where)
	default:
		v.Ready, v.Reason = true, v1alpha1.ReasonIssued
		v.Message = fmt.Sprintf("the certificate in %s is valid until %s", where, told(leaf.NotAfter))
	}
	return v
}

// SecretInput is what JudgeSecret goes by.
type SecretInput struct {
	// Ref is namespace/name of the Secret, for messages.
	Ref string
	// Data is what the Secret holds; nil: it does not exist.
	Data map[string][]byte
	// CertManager says that cert-manager fills the Secret.
	CertManager bool
	// Issuer is the issuer identifier, for whose host the certificate must be.
	Issuer string
	Now    time.Time
}

// JudgeSecret judges the certificate for the public endpoints that others provide.
func JudgeSecret(in SecretInput) Verdict {
	v := judgeSecret(in)
	v.Ready = v.Reason == v1alpha1.ReasonIssued
	v.Next = in.Now.Add(againWrong)
	if v.Ready {
		v.Next = in.Now.Add(againRight)
		if v.Expires.Before(v.Next) {
			v.Next = v.Expires
		}
	}
	return v
}

func judgeSecret(in SecretInput) Verdict {
	if v, wrong := in.missing(); wrong {
		return v
	}
	pair, err := tls.X509KeyPair(in.Data[keyCertificate], in.Data[keyPrivate])
	if err != nil {
		return in.wrong(v1alpha1.ReasonSecretInvalid, "its keys %s and %s hold no certificate with its private key: %v", keyCertificate, keyPrivate, err)
	}
	v := in.judgeLeaf(pair.Leaf)
	if v.Reason == "" {
		v = in.judgeChain(pair)
	}
	v.Expires = pair.Leaf.NotAfter
	return v
}

// missing says what the Secret lacks.
func (in SecretInput) missing() (Verdict, bool) {
	reason, todo := v1alpha1.ReasonSecretMissing, "make it with `kubectl create secret tls`"
	if in.CertManager {
		reason, todo = v1alpha1.ReasonIssuing, "cert-manager makes it; `kubectl describe certificate` shows how far it is"
	}
	if in.Data == nil {
		return Verdict{Reason: reason, Message: fmt.Sprintf("Secret %s does not exist; %s", in.Ref, todo)}, true
	}
	for _, key := range []string{keyCertificate, keyPrivate} {
		if len(in.Data[key]) == 0 {
			return Verdict{Reason: reason, Message: fmt.Sprintf("Secret %s has no key %s; %s", in.Ref, key, todo)}, true
		}
	}
	return Verdict{}, false
}

// judgeLeaf judges the certificate itself; an empty reason: it is in order.
func (in SecretInput) judgeLeaf(leaf *x509.Certificate) Verdict {
	host := issuerHost(in.Issuer)
	switch {
	case expired(leaf, in.Now):
		return in.wrong(v1alpha1.ReasonExpired, "its certificate expired at %s; %s", told(leaf.NotAfter), in.replace())
	case in.Now.Before(leaf.NotBefore):
		return in.wrong(v1alpha1.ReasonSecretInvalid, "its certificate is valid from %s on only; %s", told(leaf.NotBefore), in.replace())
	case leaf.VerifyHostname(host) != nil:
		return in.wrong(v1alpha1.ReasonNameMismatch, "its certificate is for %s, and not for %s, the issuer's host; %s", namesOf(leaf), host, in.replace())
	case len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) > 0 &&
		!slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny):
		return in.wrong(v1alpha1.ReasonSecretInvalid, "its certificate is not for servers (extended key usage serverAuth); %s", in.replace())
	}
	return Verdict{}
}

// judgeChain says who signed the certificate.
func (in SecretInput) judgeChain(pair tls.Certificate) Verdict {
	leaf, others := pair.Leaf, x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return in.wrong(v1alpha1.ReasonSecretInvalid, "its key %s holds a certificate that cannot be read: %v", keyCertificate, err)
		}
		others.AddCert(c)
	}
	issued := Verdict{Reason: v1alpha1.ReasonIssued, Message: fmt.Sprintf("the certificate in Secret %s is valid until %s", in.Ref, told(leaf.NotAfter))}
	options := x509.VerifyOptions{Roots: others, CurrentTime: in.Now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	switch {
	case len(bytes.TrimSpace(in.Data[keyCA])) > 0:
		ca := parseCertificates(in.Data[keyCA])
		options.Roots, options.Intermediates = x509.NewCertPool(), others
		for _, c := range ca {
			options.Roots.AddCert(c)
		}
		chains, err := leaf.Verify(options)
		if err != nil {
			return in.wrong(v1alpha1.ReasonSecretInvalid, "its key %s does not hold the CA of its certificate (%v): put the CA there, or name a Secret without that key if clients trust the certificate anyway", keyCA, err)
		}
		issued.CA = bundleOf(ca, chains)
	case selfSigned(leaf):
		issued.CA = string(certificatePEM(leaf.Raw))
	case len(pair.Certificate) > 1:
		if _, err := leaf.Verify(options); err != nil {
			return in.wrong(v1alpha1.ReasonSecretInvalid, "no further certificate in its key %s signed the first one (%v): put the certificate first and those of its CA after it, and restart the Pods if the first one stays the same: they do not notice that", keyCertificate, err)
		}
	}
	return issued
}

// bundleOf is the CA that clients get: all that the Secret has, for the next one may be
// among them, or only what is needed now where that is too much.
func bundleOf(ca []*x509.Certificate, chains [][]*x509.Certificate) string {
	var all bytes.Buffer
	for _, c := range ca {
		all.Write(certificatePEM(c.Raw))
	}
	if all.Len() <= maxCA {
		return all.String()
	}
	return string(certificatePEM(chains[0][len(chains[0])-1].Raw))
}

func selfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func (in SecretInput) wrong(reason, format string, args ...any) Verdict {
	return Verdict{Reason: reason, Message: "Secret " + in.Ref + ": " + fmt.Sprintf(format, args...)}
}

// replace says who has to do something.
func (in SecretInput) replace() string {
	if in.CertManager {
		return "cert-manager has to issue it anew: `kubectl describe certificate` shows what is in the way"
	}
	return "put a certificate there that is right"
}

// namesOf lists what a certificate is for, at most five names.
func namesOf(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name"
	}
	if len(names) > 5 {
		names = append(names[:5], "others")
	}
	return strings.Join(names, ", ")
}

// Join is condition CertificateReady of a Managed server: its own certificate first,
// then the one of its public endpoints; nil: that is the same.
func Join(own Verdict, public *Verdict) Verdict {
	if public == nil || !own.Ready {
		return own
	}
	v := *public
	if own.Next.Before(v.Next) {
		v.Next = own.Next
	}
	return v
}

// AppsInput is what ForApps goes by.
type AppsInput struct {
	Names Names
	// Generated says that the public endpoints serve the operator's own certificate.
	Generated bool
	// Bundle is that of the operator's own CA.
	Bundle string
	// Public is the verdict on another certificate of the public endpoints; nil: not
	// judged yet.
	Public *Verdict
}

// ForApps is what apps need to verify the certificate that they see at the issuer's
// URL; empty: the roots that they have anyway. If it is not known, what was known
// before counts.
//
// The operator's own CA is for apps that connect to the server's own Service. Under any
// other host there may be a gateway with a certificate of its own, which an app that
// trusts nothing but this CA could not verify.
func ForApps(in AppsInput) (bundle string, known bool) {
	switch {
	case in.Generated && !in.Names.direct():
		return "", true
	case in.Generated:
		return in.Bundle, in.Bundle != ""
	case in.Public == nil || !in.Public.Ready:
		return "", false
	}
	return in.Public.CA, true
}
