package kube

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// clockLeeway is how far the API server's clock and ours may be apart.
const clockLeeway = time.Minute

// plausible looks at a token without verifying anything: is it a JWT that claims
// to be for the audience and not expired? Only such reach the API server. It
// returns when the token claims to expire.
func plausible(token, audience string, now time.Time) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] == "" {
		return time.Time{}, errors.New("it is not a signed JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, errors.New("its payload is not base64url")
	}
	var claims struct {
		Audience audiences `json:"aud"`
		Expires  float64   `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return time.Time{}, errors.New("its payload is not a JSON object of claims")
	}
	if !slices.Contains(claims.Audience, audience) {
		return time.Time{}, errors.New("its audience is not this AuthorizationServer")
	}
	if claims.Expires <= 0 || claims.Expires > 1<<40 {
		return time.Time{}, errors.New("it has no time of expiry")
	}
	expires := time.Unix(int64(claims.Expires), 0)
	if now.After(expires.Add(clockLeeway)) {
		return time.Time{}, errors.New("it has expired")
	}
	return expires, nil
}

// audiences is one or several (RFC 7519, Section 4.1.3).
type audiences []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audiences) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audiences{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(data, &several)
	*a = several
	return err
}
