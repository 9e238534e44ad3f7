package token

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/keys"
)

// Minter signs access tokens with one key. It is safe for concurrent use and
// holds no lock.
type Minter struct {
	signer keys.Signer
	header []byte // base64url of the JOSE header, and the dot behind it
	sigLen int    // bytes of a signature
	raw    bool   // the signature goes into the token as r || s
}

// NewMinter prepares a Minter for a key. It refuses another algorithm than ES256
// (P-256) and RS256, and a key of another kind than its algorithm wants.
func NewMinter(signer keys.Signer) (*Minter, error) {
	return newMinter(signer, typeAccess)
}

func newMinter(signer keys.Signer, typ string) (*Minter, error) {
	m := &Minter{signer: signer}
	if err := m.examine(); err != nil {
		return nil, fmt.Errorf("minter: %w", err)
	}
	// RFC 9068, Section 2.1: typ tells access tokens from ID tokens.
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid"`
	}{signer.Algorithm, typ, signer.KID})
	if err != nil {
		return nil, fmt.Errorf("minter: %w", err)
	}
	m.header = append(base64.RawURLEncoding.AppendEncode(nil, header), '.')
	return m, nil
}

// KID of the key that signs.
func (m *Minter) KID() string { return m.signer.KID }

// Algorithm the key signs with.
func (m *Minter) Algorithm() string { return m.signer.Algorithm }

// Mint signs an access token with these claims. The only error is the signing
// key's.
func (m *Minter) Mint(c AccessClaims) (string, error) {
	return m.sealJSON(c)
}

func (m *Minter) sealJSON(claims any) (string, error) {
	b, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("writing the claims of a token: %w", err)
	}
	return m.seal(b)
}

// seal encodes the claims and signs them.
func (m *Minter) seal(claims []byte) (string, error) {
	b64 := base64.RawURLEncoding
	size := len(m.header) + b64.EncodedLen(len(claims)) + 1 + b64.EncodedLen(m.sigLen)
	out := append(make([]byte, 0, size), m.header...)
	out = b64.AppendEncode(out, claims)
	digest := sha256.Sum256(out)
	signature, err := m.sign(digest[:])
	if err != nil {
		return "", fmt.Errorf("signing a token with key %s: %w", m.signer.KID, err)
	}
	return string(b64.AppendEncode(append(out, '.'), signature)), nil
}

// sign returns the signature as RFC 7518 wants it: r || s for ES256 (Section
// 3.4), PKCS #1 v1.5 for RS256 (Section 3.3).
func (m *Minter) sign(digest []byte) ([]byte, error) {
	signature, err := m.signer.Private.Sign(keys.Rand(), digest, crypto.SHA256)
	if err != nil || !m.raw {
		return signature, err
	}
	raw, ok := rawFromASN1(signature)
	if !ok {
		return nil, errors.New("not a DER-encoded P-256 signature")
	}
	return raw, nil
}
