package policy

import "strings"

// MatchPrefix reports whether a resource lies under a prefix: it equals it, or
// continues it after a slash. So https://api.example covers
// https://api.example/orders, but neither https://api.example.evil nor
// https://api.example@evil. An empty prefix covers nothing.
func MatchPrefix(prefix, resource string) bool {
	if prefix == "" || !strings.HasPrefix(resource, prefix) {
		return false
	}
	return len(resource) == len(prefix) || prefix[len(prefix)-1] == '/' || resource[len(prefix)] == '/'
}

// OwnershipRule is an entry of an AuthorizationServer's resources, seen from one
// namespace.
type OwnershipRule struct {
	// Prefixes of the resources that the entry covers; see MatchPrefix.
	Prefixes []string
	// Includes says whether the namespace in question is among the entry's.
	Includes bool
}

// Ownership decides whether a namespace may declare a resource. Of all rules that
// cover the resource the one with the longest prefix counts, then the earlier
// one, whichever namespaces they are for; the namespace may if that rule includes
// it. rule is the index of the rule that counts, -1 if none covers the resource.
func Ownership(rules []OwnershipRule, resource string) (rule int, may bool) {
	rule = -1
	longest := 0
	for i := range rules {
		if length := longestPrefix(rules[i].Prefixes, resource); length > longest {
			rule, longest = i, length
		}
	}
	return rule, rule >= 0 && rules[rule].Includes
}

// longestPrefix returns the length of the longest prefix that covers the
// resource, 0 if none does. A trailing slash does not make a prefix longer.
func longestPrefix(prefixes []string, resource string) int {
	longest := 0
	for _, prefix := range prefixes {
		if MatchPrefix(prefix, resource) {
			longest = max(longest, len(strings.TrimSuffix(prefix, "/")))
		}
	}
	return longest
}
