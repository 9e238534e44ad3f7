package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

var strictBase64 = base64.StdEncoding.Strict()

// readBasic reads client_secret_basic: HTTP Basic (RFC 7617) whose user name and
// password are form-urlencoded first (RFC 6749, Section 2.3.1). Without a password it is
// what client_id alone in the form is, for an empty secret may be omitted there: a
// public client that says who it is. Verify refuses a client that has a secret.
func readBasic(header string, p *params.Params) (Presented, error) {
	encoded, ok := scheme(header, "Basic")
	if !ok {
		return Presented{}, oauth.InvalidClient("this Authorization scheme is not supported here; use Basic")
	}
	if p.Get("client_secret") != "" || p.Get("client_assertion") != "" {
		return Presented{}, oauth.InvalidRequest("more than one method of client authentication (RFC 6749, Section 2.3)")
	}
	id, secret, err := decodeBasic(encoded)
	if err != nil {
		return Presented{}, err
	}
	// client_id may come in the form as well, but only the same one: otherwise
	// it would be unclear whose request this is.
	if inForm := p.Get("client_id"); inForm != "" && inForm != id {
		return Presented{}, oauth.InvalidRequest("client_id differs from the client that authenticates")
	}
	if secret == "" {
		return Presented{ClientID: id, Method: oauth.AuthNone}, nil
	}
	return Presented{ClientID: id, Method: oauth.AuthClientSecretBasic, Secret: credential.Secret(secret)}, nil
}

func decodeBasic(encoded string) (id, secret string, err error) {
	malformed := func() (string, string, error) {
		return "", "", oauth.InvalidClient("the Basic credentials are malformed")
	}
	// Every character may have been percent-encoded, and base64 adds a third.
	if len(encoded) > (maxClientID+maxSecret+1)*4 {
		return malformed()
	}
	raw, decodeErr := strictBase64.DecodeString(encoded)
	if decodeErr != nil {
		return malformed()
	}
	rawID, rawSecret, ok := strings.Cut(string(raw), ":")
	if !ok || rawID == "" {
		return malformed()
	}
	if id, err = url.QueryUnescape(rawID); err != nil {
		return malformed()
	}
	if secret, err = url.QueryUnescape(rawSecret); err != nil {
		return malformed()
	}
	return id, secret, nil
}
