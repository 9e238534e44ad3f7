package token

import (
	"crypto/sha256"
	"encoding/base64"

	"clientele.dev/clientele/authserver/keys"
)

// IDClaims are the claims of an ID token (OpenID Connect Core 1.0, Section 2).
// There is no azp: it is for tokens whose audience is not the client alone.
type IDClaims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	// Audience is the client id.
	Audience string `json:"aud"`
	// SessionID is `sid` (OpenID Connect Front-Channel Logout 1.0, Section 3): the
	// session that the person signed in with.
	SessionID string `json:"sid,omitempty"`
	// Nonce of the authorization request; left out in what a refresh gives
	// (Section 12.2).
	Nonce string `json:"nonce,omitempty"`
	// AuthTime is when the person authenticated; Unix seconds, as those below.
	// Left out if it is not known.
	AuthTime int64 `json:"auth_time,omitempty"`
	// AccessTokenHash is `at_hash`; see Hash.
	AccessTokenHash string `json:"at_hash,omitempty"`
	IssuedAt        int64  `json:"iat"`
	Expires         int64  `json:"exp"`
}

// IDMinter signs ID tokens with one key.
type IDMinter struct{ minter *Minter }

// NewIDMinter prepares an IDMinter for a key, as NewMinter does for access
// tokens. The header's typ is JWT, so that nobody takes the one kind for the
// other (RFC 8725, Section 3.11).
func NewIDMinter(signer keys.Signer) (*IDMinter, error) {
	m, err := newMinter(signer, typeID)
	if err != nil {
		return nil, err
	}
	return &IDMinter{m}, nil
}

// Algorithm the key signs with.
func (m *IDMinter) Algorithm() string { return m.minter.Algorithm() }

// Mint signs an ID token.
func (m *IDMinter) Mint(c IDClaims) (string, error) {
	return m.minter.sealJSON(c)
}

// Hash is the at_hash of an access token (OpenID Connect Core 1.0, Section
// 3.1.3.6): the left half of its SHA-256 in base64url, for both algorithms that
// we sign with.
func Hash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:sha256.Size/2])
}
