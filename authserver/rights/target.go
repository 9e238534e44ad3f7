package rights

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// Target checks the resource that a request names, or picks the default (RFC 8707,
// Section 2):
//
//   - A declared client may name the resources that it registered, or else the server's
//     default resource.
//   - A client that registered itself lists none. It may name the default resource, and
//     those whose policies are open to such clients.
//   - Every client may name the issuer: the audience of a token that is for no API.
//   - The default is the first resource of these. The default of a declared client
//     without resources and scopes is the issuer: it can have no scope of an API.
//
// The target has the declared spelling (oauth.FindResource). Decide says what is granted
// there. The error is an invalid_target.
func Target(policies *policy.Set, c *registry.Client, named string, terms *Terms) (string, error) {
	var registered []string
	if m := c.Managed; m != nil {
		registered = m.Resources
	}
	if named == "" && c.Managed != nil && len(registered) == 0 && len(c.Scopes) == 0 {
		return terms.Issuer, nil
	}
	if named == "" {
		return oauth.DefaultTarget(registered, terms.DefaultResource), nil
	}
	effective := oauth.EffectiveResources(registered, terms.DefaultResource)
	if slices.Contains(effective, named) { // the usual case needs no allocation
		return named, nil
	}
	if err := oauth.ValidResource(oauth.CanonicalResource(named)); err != nil {
		return "", err
	}
	may := append(slices.Clone(effective), terms.Issuer)
	if c.Managed == nil {
		may = append(may, policies.SelfRegisteredResources()...)
	}
	if resource, found := oauth.FindResource(may, named); found {
		return resource, nil
	}
	return "", oauth.InvalidTarget("the resource is not registered for this client")
}
