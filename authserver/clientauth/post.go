package clientauth

import (
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

// readPost reads client_secret_post: client_id and client_secret in the form
// (RFC 6749, Section 2.3.1).
func readPost(p *params.Params) (Presented, error) {
	id, secret := p.Get("client_id"), p.Get("client_secret")
	switch {
	case p.Get("client_assertion") != "":
		return Presented{}, oauth.InvalidClient("client assertions are not supported")
	case id == "":
		return Presented{}, oauth.InvalidClient("the request holds no client credentials")
	case secret == "":
		return Presented{}, oauth.InvalidClient("client authentication is required, and the request holds no secret")
	}
	return Presented{ClientID: id, Method: oauth.AuthClientSecretPost, Secret: credential.Secret(secret)}, nil
}
