package clientauth

import (
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

// readPost reads client_secret_post, client_id and client_secret in the form (RFC
// 6749, Section 2.3.1), or the client_id of a public client.
func readPost(p *params.Params) (Presented, error) {
	id, secret := p.Get("client_id"), p.Get("client_secret")
	switch {
	case p.Get("client_assertion") != "":
		return Presented{}, oauth.InvalidClient("client assertions are not supported")
	case id == "":
		return Presented{}, oauth.InvalidClient("the request holds no client credentials")
	case secret == "":
		// A public client says only who it is (RFC 6749, Section 3.2.1); Verify
		// refuses one that has a secret.
		return Presented{ClientID: id, Method: oauth.AuthNone}, nil
	}
	return Presented{ClientID: id, Method: oauth.AuthClientSecretPost, Secret: credential.Secret(secret)}, nil
}
