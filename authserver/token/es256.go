package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

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
// signs, into r || s. Lengths have one byte: the whole is 72 bytes at most.
func rawFromASN1(raw, der []byte) bool {
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return false
	}
	rest, ok := integer(raw[:es256Len/2], der[2:])
	if !ok {
		return false
	}
	rest, ok = integer(raw[es256Len/2:es256Len], rest)
	return ok && len(rest) == 0
}

// integer reads a positive INTEGER of at most len(out) bytes, right-aligned into
// out, which is zero, and returns what follows it.
func integer(out, der []byte) ([]byte, bool) {
	if len(der) < 2 || der[0] != 0x02 || int(der[1]) > len(der)-2 {
		return nil, false
	}
	value, rest := der[2:2+int(der[1])], der[2+int(der[1]):]
	if len(value) > 0 && value[0] == 0 {
		value = value[1:] // DER's sign byte
	}
	if len(value) == 0 || len(value) > len(out) {
		return nil, false
	}
	copy(out[len(out)-len(value):], value)
	return rest, true
}
