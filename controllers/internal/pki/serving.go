package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// serving is the certificate in Secret X-tls.
type serving struct {
	leaf *x509.Certificate
	// issuer is the authority that signed it; nil: none that is known.
	issuer *Authority
}

// parseServing reads the data of Secret X-tls.
func parseServing(data map[string][]byte) (*x509.Certificate, error) {
	pair, err := tls.X509KeyPair(data[keyCertificate], data[keyPrivate])
	if err != nil {
		return nil, fmt.Errorf("its keys %s and %s hold no certificate with its private key: %w", keyCertificate, keyPrivate, err)
	}
	return pair.Leaf, nil
}

// begins is when the certificate was made.
func begins(leaf *x509.Certificate) time.Time { return leaf.NotBefore.Add(backdate) }

// renewal is when two thirds of the certificate's life are over.
func renewal(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-leaf.NotAfter.Sub(begins(leaf)) / 3)
}

// lastCall is when a certificate must be renewed by any CA that can, though clients may
// not trust that yet: a tenth of its life before its end, at most a day.
func lastCall(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-min(leaf.NotAfter.Sub(begins(leaf))/10, 24*time.Hour))
}

// includes says whether all of some hosts are among h.
func (h hosts) includes(some hosts) bool {
	for _, name := range some.dns {
		if !slices.Contains(h.dns, name) {
			return false
		}
	}
	for _, ip := range some.ips {
		if !slices.Contains(h.ips, ip) {
			return false
		}
	}
	return true
}

func (h hosts) equal(other hosts) bool {
	return slices.Equal(h.dns, other.dns) && slices.Equal(h.ips, other.ips)
}
