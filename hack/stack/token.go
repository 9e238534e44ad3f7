package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// answerLimit bounds what is read of an answer, in bytes.
const answerLimit = 1 << 20

// metadata is what the demo needs of RFC 8414, Section 2.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	RegistrationEndpoint  string `json:"registration_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
}

// readMetadata finds the endpoints from nothing but the issuer.
func (d *demoRun) readMetadata(ctx context.Context) (string, error) {
	where, err := metadataURL(d.credentials.issuer)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return "", err
	}
	if err := ask(req, &d.metadata); err != nil {
		return "", err
	}
	// RFC 8414, Section 3.3: a document that names another issuer is not used.
	if d.metadata.Issuer != d.credentials.issuer {
		return "", fmt.Errorf("the metadata at %s is of issuer %q, not %q", where, d.metadata.Issuer, d.credentials.issuer)
	}
	d.Report.Say("      token_endpoint  %s", d.metadata.TokenEndpoint)
	d.Report.Say("      jwks_uri        %s", d.metadata.JWKSURI)
	return "metadata read from " + where, nil
}

// metadataURL puts the well-known path between host and path, RFC 8414,
// Section 3.1.
func metadataURL(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the issuer %q is no URL", issuer)
	}
	u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	return u.String(), nil
}

// getToken uses the client_credentials grant, RFC 6749, Section 4.4.
func (d *demoRun) getToken(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.metadata.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749, Section 2.3.1: both are form-encoded before Basic encodes them.
	req.SetBasicAuth(url.QueryEscape(d.credentials.clientID), url.QueryEscape(d.credentials.clientSecret))
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
		Scope       string `json:"scope"`
	}
	if err := ask(req, &answer); err != nil {
		return "", err
	}
	d.token = answer.AccessToken
	return fmt.Sprintf("token received: type %s, good for %d s, scope %q", answer.TokenType, answer.ExpiresIn, answer.Scope), nil
}

// ask sends a request and reads the JSON of a success; into nil: it has none.
// Another answer is an error with its body, which is an OAuth error and holds no
// secret.
func ask(req *http.Request, into any) error {
	where := req.Method + " " + req.URL.String()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s: %s", where, resp.Status, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s answers no JSON: %w", where, err)
	}
	return nil
}
