package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"clientele.dev/clientele/authserver/oauth"
)

// maxBody bounds what is read of an answer, in bytes.
const maxBody = 1 << 20

// metadata is what is used of RFC 8414, Section 2.
type metadata struct {
	Issuer        string `json:"issuer"`
	TokenEndpoint string `json:"token_endpoint"`
	JWKSURI       string `json:"jwks_uri"`
	Version       string `json:"clientele_version"`
}

// keySet is what is used of a JWK Set (RFC 7517, Section 5).
type keySet struct {
	Keys []struct {
		KID string `json:"kid"`
	} `json:"keys"`
}

// errIssuer: the metadata names another issuer (RFC 8414, Section 3.3).
var errIssuer = errors.New("another issuer")

// readMetadata finds the endpoints of an issuer, which is reached at base. The header is
// the answer's, also with an error, if there was one.
func readMetadata(ctx context.Context, c *http.Client, issuer, base string) (*metadata, http.Header, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, nil, fmt.Errorf("%q is no URL", base)
	}
	// RFC 8414, Section 3.1: between host and path.
	u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	m := &metadata{}
	header, err := get(ctx, c, u.String(), m)
	if err != nil {
		return nil, header, err
	}
	if m.Issuer != issuer {
		return nil, header, fmt.Errorf("%w: the metadata at %s is of %q, not %q", errIssuer, u, m.Issuer, issuer)
	}
	for _, endpoint := range []*string{&m.TokenEndpoint, &m.JWKSURI} {
		if path, below := strings.CutPrefix(*endpoint, issuer); below {
			*endpoint = strings.TrimSuffix(base, "/") + path
		}
	}
	return m, header, nil
}

// get reads JSON.
func get(ctx context.Context, c *http.Client, at string, into any) (http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	return response.Header, readAnswer(response, into)
}

// readAnswer reads the JSON of a success. Another answer is an error with what OAuth
// says of it (RFC 6749, Section 5.2), which holds no secret.
func readAnswer(response *http.Response, into any) error {
	defer response.Body.Close()
	where := response.Request.Method + " " + response.Request.URL.String()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if response.StatusCode != http.StatusOK {
		return answerError(where, response.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s answers no JSON", where)
	}
	return nil
}

// refusal is an error answer of an endpoint.
type refusal struct {
	Status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
	where       string
}

func (e *refusal) Error() string {
	text := fmt.Sprintf("%s answers %d", e.where, e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

func answerError(where string, status int, body []byte) error {
	e := &refusal{}
	if json.Unmarshal(body, e) != nil {
		e = &refusal{}
	}
	e.Status, e.where = status, where
	return e
}

// credentials of a client, and where they are good.
type credentials struct {
	id, secret    string
	tokenEndpoint string
}

// getToken uses the client_credentials grant (RFC 6749, Section 4.4).
func getToken(ctx context.Context, c *http.Client, by credentials) (string, error) {
	form := url.Values{"grant_type": {string(oauth.GrantClientCredentials)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, by.tokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749, Section 2.3.1: both are form-encoded before Basic encodes them.
	r.SetBasicAuth(url.QueryEscape(by.id), url.QueryEscape(by.secret))
	response, err := c.Do(r)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := readAnswer(response, &answer); err != nil {
		return "", err
	}
	if answer.AccessToken == "" {
		return "", fmt.Errorf("POST %s answers without a token", by.tokenEndpoint)
	}
	return answer.AccessToken, nil
}

// verified is what a resource server learns from a token.
type verified struct {
	subject  string
	audience []string
	expires  time.Time
}

func (v verified) String() string {
	return fmt.Sprintf("of %s for %s, until %s", v.subject, strings.Join(v.audience, ", "), v.expires.UTC().Format(time.RFC3339))
}

// verify checks a token as a resource server does: signature by the published keys,
// issuer, expiry. The library is not the one that signs.
func verify(ctx context.Context, c *http.Client, m *metadata, token string, now func() time.Time) (verified, error) {
	ctx = oidc.ClientContext(ctx, c)
	verifier := oidc.NewVerifier(m.Issuer, oidc.NewRemoteKeySet(ctx, m.JWKSURI), &oidc.Config{
		// go-oidc expects an ID token, whose audience is the client. An access token's
		// is the API (RFC 9068, Section 2.2).
		SkipClientIDCheck:    true,
		SupportedSigningAlgs: []string{oidc.ES256, oidc.RS256},
		Now:                  now,
	})
	t, err := verifier.Verify(ctx, token)
	if err != nil {
		return verified{}, err
	}
	return verified{t.Subject, t.Audience, t.Expiry}, nil
}
