package policy

import (
	"strings"

	"clientele.dev/clientele/authserver/oauth"
)

// MatchPrefix reports whether a resource lies under a prefix: it equals it, or
// continues it after a slash. So https://api.example covers
// https://api.example/orders, but neither https://api.example.evil nor
// https://api.example@evil. An empty path is a slash, as it is for who asks for the
// resource (oauth.FindResource): https://api.example/ covers https://api.example. An
// empty prefix covers nothing.
func MatchPrefix(prefix, resource string) bool {
	if prefix == resource {
		return prefix != ""
	}
	resource = oauth.CanonicalResource(resource)
	if prefix == "" || !strings.HasPrefix(resource, prefix) {
		return false
	}
	return len(resource) == len(prefix) || prefix[len(prefix)-1] == '/' || resource[len(prefix)] == '/'
}
