package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"clientele.dev/clientele/authserver/keys"
)

// ErrInvalid is the error of every token that does not hold. What it wraps is for
// a log; a client is told no more than "invalid".
var ErrInvalid = errors.New("not a valid token of this server")

// MaxLength is how many bytes a token of ours may have: far more than it has.
const MaxLength = 16 << 10

// The JOSE types of our tokens.
const (
	typeAccess = "at+jwt" // RFC 9068, Section 2.1
	typeID     = "JWT"
)

// Verifier verifies tokens that this server made. It is immutable and safe for
// concurrent use; a new key set makes a new one.
type Verifier struct {
	issuer string
	keys   map[string]jose.JSONWebKey // by kid, public
}

// NewVerifier takes the keys of every phase: Retiring ones verify until their
// last token has expired, and a Published one has signed nothing yet.
func NewVerifier(set keys.Set, issuer string) *Verifier {
	v := &Verifier{issuer: issuer, keys: map[string]jose.JSONWebKey{}}
	for _, k := range set.Keys {
		public := k.JWK.Public()
		public.KeyID, public.Algorithm = k.KID, k.Algorithm
		v.keys[k.KID] = public
	}
	return v
}

// Access verifies an access token (RFC 9068, Section 4): its type, its signature
// under the key that its kid names with that key's algorithm, `iss`, and that it
// has not expired at now. Whom it is for (`aud`), and whether it was revoked, the
// caller has to look at. The error is ErrInvalid.
func (v *Verifier) Access(text string, now time.Time) (AccessClaims, error) {
	var c struct {
		claimsOfAll
		ClientID string   `json:"client_id"`
		Scope    string   `json:"scope"`
		Roles    []string `json:"roles"`
		Tenant   string   `json:"tenant"`
	}
	if err := v.open(text, typeAccess, &c); err != nil {
		return AccessClaims{}, err
	}
	switch {
	case c.Issuer != v.issuer:
		return AccessClaims{}, invalid("another issuer's")
	case c.Expires <= now.Unix():
		return AccessClaims{}, invalid("expired")
	case c.Subject == "" || c.Audience == "" || c.ClientID == "" || c.JTI == "":
		return AccessClaims{}, invalid("without sub, aud, client_id or jti")
	}
	return AccessClaims{
		Issuer: c.Issuer, Subject: c.Subject, ClientID: c.ClientID, Scope: c.Scope, JTI: c.JTI, Audience: c.Audience,
		Roles: c.Roles, Tenant: c.Tenant, IssuedAt: c.IssuedAt, Expires: c.Expires,
	}, nil
}

// ID verifies an ID token that came back as id_token_hint. It may have expired
// (OpenID Connect RP-Initiated Logout 1.0, Section 2); nothing is granted on its
// strength. The error is ErrInvalid.
func (v *Verifier) ID(text string) (IDClaims, error) {
	var c struct {
		claimsOfAll
		SessionID string `json:"sid"`
		Nonce     string `json:"nonce"`
		AuthTime  int64  `json:"auth_time"`
		Hash      string `json:"at_hash"`
	}
	if err := v.open(text, typeID, &c); err != nil {
		return IDClaims{}, err
	}
	if c.Issuer != v.issuer || c.Subject == "" || c.Audience == "" {
		return IDClaims{}, invalid("another issuer's, or without sub or aud")
	}
	return IDClaims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, SessionID: c.SessionID, Nonce: c.Nonce,
		AuthTime: c.AuthTime, AccessTokenHash: c.Hash, IssuedAt: c.IssuedAt, Expires: c.Expires,
	}, nil
}

// claimsOfAll are those that both kinds have. `aud` is a single string in our
// tokens; anything else is not ours.
type claimsOfAll struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	JTI      string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// open checks type and signature and reads the claims.
func (v *Verifier) open(text, typ string, claims any) error {
	if len(text) > MaxLength || !oneEncoding(text) {
		return invalid("not a compact JWS")
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		return invalid("not a compact JWS")
	}
	header := signed.Signatures[0].Protected
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return invalid("another type of token")
	}
	key, known := v.keys[header.KeyID]
	// The algorithm is the key's and not the token's to choose (RFC 8725, Section
	// 3.1).
	if !known || key.Algorithm != header.Algorithm {
		return invalid("an unknown key")
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return invalid("the signature does not hold")
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return invalid("claims of another form")
	}
	return nil
}

// oneEncoding refuses a token in another encoding than the one we gave out (A13):
// padding, line breaks, or other values of the bits that base64 leaves unused.
func oneEncoding(text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false // the decoder skips them
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return false
	}
	strict := base64.RawURLEncoding.Strict()
	for _, part := range parts {
		if _, err := strict.DecodeString(part); err != nil || part == "" {
			return false
		}
	}
	return true
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }
