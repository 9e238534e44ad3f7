package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"clientele.dev/clientele/hack/internal/stack"
	"github.com/coreos/go-oidc/v3/oidc"
)

// verifyToken verifies the machine's token and shows what it says.
func (d *demoRun) verifyToken(ctx context.Context) (string, error) {
	if err := d.verifyAccessToken(ctx, d.token); err != nil {
		return "", err
	}
	header, claims, err := decode(d.token)
	if err != nil {
		return "", err
	}
	d.Report.Say("      header\n%s", stack.Indent(header))
	d.Report.Say("      claims\n%s", stack.Indent(claims))
	return "token verified by github.com/coreos/go-oidc: signature, issuer and expiry are right", nil
}

// verifyAccessToken checks a token as a resource server would: signature by the
// published keys, issuer, expiry; with a library that is not ours.
func (d *demoRun) verifyAccessToken(ctx context.Context, token string) error {
	verifier := oidc.NewVerifier(d.credentials.issuer, oidc.NewRemoteKeySet(ctx, d.metadata.JWKSURI), &oidc.Config{
		// go-oidc expects an ID token, whose audience is the client. An access
		// token's is the API (RFC 9068, Section 2.2); it is shown below.
		SkipClientIDCheck:    true,
		SupportedSigningAlgs: []string{oidc.ES256, oidc.RS256, oidc.PS256, oidc.EdDSA},
	})
	if _, err := verifier.Verify(ctx, token); err != nil {
		return fmt.Errorf("go-oidc refuses the token: %w", err)
	}
	return nil
}

// decode returns a JWT's header and claims, indented, and leaves the signature
// out: without it what is shown is no token.
func decode(token string) (header, claims string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", errors.New("the token is no JWT in compact form (RFC 7515, Section 3.1)")
	}
	if header, err = decodePart(parts[0]); err != nil {
		return "", "", fmt.Errorf("the token's header: %w", err)
	}
	if claims, err = decodePart(parts[1]); err != nil {
		return "", "", fmt.Errorf("the token's claims: %w", err)
	}
	return header, claims, nil
}

func decodePart(part string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return "", err
	}
	return out.String(), nil
}
