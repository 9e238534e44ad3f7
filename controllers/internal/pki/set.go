package pki

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// FormatVersion is the version of the authorities that this package writes.
const FormatVersion = 1

// The keys of the Secrets and the ConfigMap.
const (
	// KeyAuthorities, in Secret X-ca, holds a Set as JSON.
	KeyAuthorities = "authorities.json"
	// keyCertificate, keyPrivate and keyCA are those of a Secret of type
	// kubernetes.io/tls and of cert-manager.
	keyCertificate = "tls.crt"
	keyPrivate     = "tls.key"
	keyCA          = "ca.crt"
)

// Set is what Secret X-ca holds: the authorities, oldest first.
type Set struct {
	Authorities []*Authority
	// RotateCA is the value of the annotation that was last acted upon.
	RotateCA string
}

// setJSON is the stored form.
type setJSON struct {
	Version     int             `json:"version"`
	RotateCA    string          `json:"rotateCA,omitempty"`
	Authorities []authorityJSON `json:"authorities"`
}

type authorityJSON struct {
	// Certificate and Key are PEM, the key in PKCS #8.
	Certificate  string    `json:"certificate"`
	Key          string    `json:"key,omitempty"`
	TrustedSince time.Time `json:"trustedSince,omitzero"`
	UsedUntil    time.Time `json:"usedUntil,omitzero"`
}

// errNewer: a newer release wrote the Secret. To delete it would be wrong.
var errNewer = errors.New("a newer release of the operator wrote it")

// parseSet reads the data of Secret X-ca. Its errors do not quote the data.
func parseSet(data map[string][]byte) (Set, error) {
	text, ok := data[KeyAuthorities]
	if !ok {
		return Set{}, fmt.Errorf("it has no key %s", KeyAuthorities)
	}
	var stored setJSON
	if err := json.Unmarshal(text, &stored); err != nil {
		return Set{}, fmt.Errorf("its key %s is not the JSON that was written", KeyAuthorities)
	}
	if stored.Version > FormatVersion {
		return Set{}, fmt.Errorf("%w: format %d, and this one reads up to %d", errNewer, stored.Version, FormatVersion)
	}
	if stored.Version < 1 || len(stored.Authorities) == 0 {
		return Set{}, fmt.Errorf("its key %s holds no CA", KeyAuthorities)
	}
	set := Set{RotateCA: stored.RotateCA}
	for i, one := range stored.Authorities {
		a, err := one.parse()
		if err != nil {
			return Set{}, fmt.Errorf("CA %d in its key %s: %w", i+1, KeyAuthorities, err)
		}
		set.Authorities = append(set.Authorities, a)
	}
	return set, nil
}

func (j authorityJSON) parse() (*Authority, error) {
	certificates := parseCertificates([]byte(j.Certificate))
	if len(certificates) != 1 || !certificates[0].IsCA {
		return nil, errors.New("there must be one certificate of a CA")
	}
	a := &Authority{Certificate: certificates[0], TrustedSince: j.TrustedSince, UsedUntil: j.UsedUntil}
	if j.Key == "" {
		return a, nil
	}
	key, err := parseKey([]byte(j.Key))
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	if !matches(key, a.Certificate) {
		return nil, errors.New("the private key is not that of the certificate")
	}
	a.key = key
	return a, nil
}

// data is what Secret X-ca is to hold.
func (s Set) data() (map[string][]byte, error) {
	stored := setJSON{Version: FormatVersion, RotateCA: s.RotateCA}
	for _, a := range s.Authorities {
		one := authorityJSON{Certificate: string(a.pem()), TrustedSince: a.TrustedSince, UsedUntil: a.UsedUntil}
		if a.key != nil {
			private, err := keyPEM(a.key)
			if err != nil {
				return nil, err
			}
			one.Key = string(private)
		}
		stored.Authorities = append(stored.Authorities, one)
	}
	text, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the authorities: %w", err)
	}
	return map[string][]byte{KeyAuthorities: text}, nil
}

// bundle is what clients are to trust. The authority that signed the certificate in
// use comes first, for programs that read no more than one; then the newest.
func (s Set) bundle(first *Authority) string {
	var out bytes.Buffer
	if first != nil {
		out.Write(first.pem())
	}
	for i := len(s.Authorities) - 1; i >= 0; i-- {
		if a := s.Authorities[i]; a != first {
			out.Write(a.pem())
		}
	}
	return out.String()
}

// stamp is how times are kept: in UTC and in whole seconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
