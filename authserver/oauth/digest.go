package oauth

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Normalized returns a deep copy of the registration in normal form: defaults of
// RFC 7591, Section 2 filled in; grant types, scopes, redirect URIs, secret hashes and
// allowed users sorted and without repetition, for they are sets. Resources keep
// their order, because the first is the default target, and contacts theirs.
// A scope that cannot be parsed is left as it is.
func (r Registration) Normalized() Registration {
	r.GrantTypes = sortedSet(r.GrantTypes)
	if len(r.GrantTypes) == 0 {
		r.GrantTypes = []GrantType{GrantAuthorizationCode}
	}
	r.TokenEndpointAuthMethod = authMethod(r)
	if scopes, err := ParseScope(r.Scope); err == nil {
		r.Scope = JoinScope(sortedSet(scopes))
	}
	r.RedirectURIs = sortedSet(r.RedirectURIs)
	r.PostLogoutRedirectURIs = sortedSet(r.PostLogoutRedirectURIs)
	r.Contacts = slices.Clone(r.Contacts)
	r.ResponseTypes = responseTypes(r)
	r.ApplicationType = applicationType(r)
	if r.DefaultMaxAge != nil {
		seconds := *r.DefaultMaxAge
		r.DefaultMaxAge = &seconds
	}
	if r.Managed != nil {
		managed := r.Managed.normalized()
		r.Managed = &managed
	}
	return r
}

func (m Managed) normalized() Managed {
	m.SecretHashes = sortedSet(m.SecretHashes)
	m.Resources = slices.Clone(m.Resources)
	m.AllowedUsers = sortedUsers(m.AllowedUsers)
	m.NamespaceLabels = maps.Clone(m.NamespaceLabels)
	m.ClientLabels = maps.Clone(m.ClientLabels)
	return m
}

// Digest is the lower-case hexadecimal SHA-256 of the JSON of the normal form,
// without Owner.Cluster (the server derives it) and Adopt (only of the request
// that carries it). Registrar and server compute it alike, so that equal digests
// mean that the server has what the registrar sent. It is kept in stores: a new
// member of Registration must be omitempty, so that it changes no digest of a
// client that does not use it.
func (r Registration) Digest() string {
	r = r.Normalized().withoutDefaults()
	if r.Managed != nil {
		r.Managed.Owner.Cluster = ""
		r.Managed.Adopt = ""
	}
	// Marshal cannot fail: there are only strings, numbers, and lists and maps of
	// them.
	canonical, _ := json.Marshal(r)
	hash := sha256.Sum256(canonical)
	return hex.EncodeToString(hash[:])
}

// withoutDefaults leaves out what the normal form fills in and the digest did not
// have from the first: a default must not change it.
func (r Registration) withoutDefaults() Registration {
	stated := r
	r.ResponseTypes, r.ApplicationType = nil, ""
	if !slices.Equal(stated.ResponseTypes, responseTypes(r)) {
		r.ResponseTypes = stated.ResponseTypes
	}
	if stated.ApplicationType != applicationType(r) {
		r.ApplicationType = stated.ApplicationType
	}
	return r
}

// responseTypes fills in what goes with the authorization code grant.
func responseTypes(r Registration) []ResponseType {
	if len(r.ResponseTypes) == 0 && usesCode(r) {
		return []ResponseType{ResponseCode}
	}
	return sortedSet(r.ResponseTypes)
}

// applicationType is by the redirect URIs where it is not stated: a client with
// one on the user's own machine is native.
func applicationType(r Registration) ApplicationType {
	if r.ApplicationType != "" || !usesCode(r) || len(r.RedirectURIs) == 0 {
		return r.ApplicationType
	}
	for _, s := range r.RedirectURIs {
		if !strings.HasPrefix(s, "https://") { // whatever schemes the settings permit
			return ApplicationNative
		}
	}
	return ApplicationWeb
}

func authMethod(r Registration) AuthMethod {
	if r.TokenEndpointAuthMethod == "" {
		return AuthClientSecretBasic
	}
	return r.TokenEndpointAuthMethod
}

// sortedUsers returns a sorted copy without repetition. nil stays nil.
func sortedUsers(list []AllowedUsers) []AllowedUsers {
	if list == nil {
		return nil
	}
	sorted := make([]AllowedUsers, 0, len(list))
	for _, a := range list {
		sorted = append(sorted, AllowedUsers{Groups: sortedSet(a.Groups), Roles: sortedSet(a.Roles)})
	}
	slices.SortFunc(sorted, func(a, b AllowedUsers) int {
		return cmp.Or(slices.Compare(a.Groups, b.Groups), slices.Compare(a.Roles, b.Roles))
	})
	return slices.CompactFunc(sorted, func(a, b AllowedUsers) bool {
		return slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Roles, b.Roles)
	})
}

// sortedSet returns a sorted copy without repetition, empty rather than nil.
func sortedSet[S ~string](list []S) []S {
	sorted := append(make([]S, 0, len(list)), list...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
