package clientauth

import (
	"strings"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

// Bounds on what is presented; ids and secrets of ours are far shorter.
const (
	maxClientID = 255
	maxSecret   = 512
)

// Presented is what a request says about who is calling. Nothing of it has been
// verified.
type Presented struct {
	ClientID string
	// Method by which the credentials came.
	Method oauth.AuthMethod
	// Secret, for the two client_secret methods.
	Secret credential.Secret
}

// Read takes the client's credentials from the values of the Authorization
// header and from the form. A client must not use more than one method (RFC
// 6749, Section 2.3): that is invalid_request; no credentials, or such as this
// server does not know, are invalid_client.
func Read(authorization []string, p *params.Params) (Presented, error) {
	if len(authorization) > 1 {
		return Presented{}, oauth.InvalidRequest("more than one Authorization header")
	}
	var presented Presented
	var err error
	if len(authorization) == 1 && authorization[0] != "" {
		presented, err = readBasic(authorization[0], p)
	} else {
		presented, err = readPost(p)
	}
	if err != nil {
		return Presented{}, err
	}
	if len(presented.ClientID) > maxClientID || len(presented.Secret.Reveal()) > maxSecret {
		return Presented{}, oauth.InvalidClient("the client credentials are too long")
	}
	return presented, nil
}

// scheme splits an Authorization header; the scheme is case-insensitive (RFC
// 9110, Section 11.1).
func scheme(header, want string) (string, bool) {
	if len(header) <= len(want) || header[len(want)] != ' ' || !strings.EqualFold(header[:len(want)], want) {
		return "", false
	}
	return strings.TrimLeft(header[len(want):], " "), true
}
