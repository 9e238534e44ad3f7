package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"clientele.dev/clientele/authserver/keys"
)

const es256Len = 64 // bytes of r || s, 32 each

// examine checks the key against its algorithm and notes what signing needs.
func (m *Minter) examine() error {
	if m.signer.KID == "" || m.signer.Private == nil {
		return errors.New("no key, or no kid")
	}
	switch m.signer.Algorithm {
	case keys.ES256:
		public, ok := m.signer.Private.Public().(*ecdsa.PublicKey)
		if !ok || public.Curve != elliptic.P256() {
			return errors.New("ES256 wants an EC key on P-256")
		}
		m.sigLen, m.raw = es256Len, true
	case keys.RS256:
		public, ok := m.signer.Private.Public().(*rsa.PublicKey)
		if !ok {
			return errors.New("RS256 wants an RSA key")
		}
		m.sigLen = public.Size()
	default:
		return fmt.Errorf("unknown algorithm %q, want %s or %s", m.signer.Algorithm, keys.ES256, keys.RS256)
	}
	return nil
}

// rawFromASN1 turns SEQUENCE { r INTEGER, s INTEGER }, as the standard library
// signs, into r || s.
func rawFromASN1(der []byte) ([]byte, bool) {
	input, inner := cryptobyte.String(der), cryptobyte.String(nil)
	var r, s []byte
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		len(r) > es256Len/2 || len(s) > es256Len/2 {
		return nil, false
	}
	raw := make([]byte, es256Len)
	copy(raw[es256Len/2-len(r):], r)
	copy(raw[es256Len-len(s):], s)
	return raw, true
}
