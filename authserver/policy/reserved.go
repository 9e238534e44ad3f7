package policy

import (
	"slices"
	"strings"
)

// defaultAudience begins the audiences that Kubernetes API servers have by default. It
// is reserved whatever the audiences of this API server are.
const defaultAudience = "https://kubernetes.default.svc"

// ReservedBy names what reserves a resource; empty: the resource is free. Tokens for the
// issuer open the authorization server itself, tokens for the API server's audiences
// open the cluster: no ScopePolicy may declare such a resource, and no client may list
// it. audiences are those of the API server, as far as they are known.
func ReservedBy(issuer string, audiences []string, resource string) string {
	if MatchPrefix(issuer, resource) {
		return "the issuer"
	}
	reserved := slices.ContainsFunc(audiences, func(a string) bool { return MatchPrefix(a, resource) })
	if reserved || strings.HasPrefix(resource, defaultAudience) {
		return "an audience of the Kubernetes API server"
	}
	return ""
}
