package oauth

import "slices"

// ForOpenRegistration turns what anybody may send to the registration endpoint
// (RFC 7591, Section 3.1) into a valid registration of a public client, or
// refuses it. Apps leave much out, and some ask for more than they need, as by
// Section 3.2.1 a server may replace what was asked for:
//
//   - clientele_managed is refused (A10); a client_id is dropped, for the server
//     picks it; so is a logo_uri, for a stranger's logo helps phishing: it is neither
//     stored nor shown, and the answer leaves it out;
//   - grant_types absent: authorization_code and refresh_token. Ones that this
//     server does not know are dropped; those that no public client may have are
//     refused, and so is a list without authorization_code;
//   - token_endpoint_auth_method becomes none, also where a secret was asked for;
//     what is neither that nor a secret (private_key_jwt, mutual TLS) is refused:
//     such a client counts on something that it would not have;
//   - response_types other than code are dropped, if code is there;
//   - application_type is by the redirect URIs, unless it is stated and known;
//   - redirect_uris must be https, http on loopback, or of a scheme that the
//     settings permit: nobody vouches for who would answer to another. Those that
//     are well-formed and lead elsewhere are left out if others are left: some apps
//     send all that one of their versions might want. See redirectsOf.
//
// A scope that is left out stays empty; which scopes that means the policies say
// (policy.Set.DynamicScopes). Errors are invalid_client_metadata and
// invalid_redirect_uri.
func ForOpenRegistration(r Registration, rules SelfRules) (Registration, error) {
	if !r.TokenEndpointAuthMethod.UsesSecret() && r.TokenEndpointAuthMethod != AuthNone && r.TokenEndpointAuthMethod != "" {
		return Registration{}, InvalidClientMetadata("token_endpoint_auth_method must be %s: clients that register themselves are public", AuthNone)
	}
	r.TokenEndpointAuthMethod = AuthNone
	return selfRegistered(r, rules, acceptableToAnybody)
}

// ForAuthenticatedRegistration is ForOpenRegistration for a caller who may
// register clients (RBAC verb register): the client may also have a secret, which
// the server makes, and redirect URIs of private-use schemes.
func ForAuthenticatedRegistration(r Registration, rules SelfRules) (Registration, error) {
	if r.TokenEndpointAuthMethod == "" {
		r.TokenEndpointAuthMethod = AuthNone
	}
	return selfRegistered(r, rules, ParseRedirectURI)
}

// selfRegistered is what holds for every client that no registrar registers.
func selfRegistered(r Registration, rules SelfRules, parse redirectParser) (Registration, error) {
	if r.Managed != nil {
		return Registration{}, InvalidClientMetadata("clientele_managed is for registrars only")
	}
	r.ClientID, r.LogoURI = "", ""
	if err := rules.notOurs(r); err != nil { // before any are left out
		return Registration{}, err
	}
	if err := rules.notDeclared(r); err != nil {
		return Registration{}, err
	}
	redirects, err := rules.redirectsOf(r.RedirectURIs, parse)
	if err != nil {
		return Registration{}, err
	}
	r.RedirectURIs = redirects
	grants, err := selfRegisteredGrants(r.GrantTypes)
	if err != nil {
		return Registration{}, err
	}
	r.GrantTypes = grants
	if slices.Contains(r.ResponseTypes, ResponseCode) {
		r.ResponseTypes = []ResponseType{ResponseCode}
	}
	if r.ApplicationType != ApplicationWeb && r.ApplicationType != ApplicationNative {
		r.ApplicationType = ""
	}
	if err := r.Validate(rules.PrivateUseSchemes...); err != nil {
		return Registration{}, err
	}
	return r.Normalized(), nil
}

// selfRegisteredGrants: machines that act for themselves are declared as
// OAuthClients, so client_credentials is for none that registers itself.
func selfRegisteredGrants(asked []GrantType) ([]GrantType, error) {
	if len(asked) == 0 {
		return []GrantType{GrantAuthorizationCode, GrantRefreshToken}, nil
	}
	if len(asked) > MaxGrantTypes {
		return nil, InvalidClientMetadata("grant_types must list at most %d", MaxGrantTypes)
	}
	var grants []GrantType
	for _, g := range asked {
		switch {
		case g == GrantClientCredentials, g == "password", g == "implicit":
			return nil, InvalidClientMetadata("grant_types: %s is not for clients that register themselves", g)
		case g.Supported():
			grants = append(grants, g)
		}
	}
	if !slices.Contains(grants, GrantAuthorizationCode) {
		return nil, InvalidClientMetadata("grant_types must list %s, or be left out", GrantAuthorizationCode)
	}
	return grants, nil
}
