package oauth

import (
	"slices"
	"unicode/utf8"
)

// Bounds of the registrar's part of a registration.
const (
	// MaxSecretHashes is how many secrets may be valid at a time.
	MaxSecretHashes = 4
	// MaxResources is how many resources a client may list.
	MaxResources = 16
	// MaxLabels is how many labels of a namespace, or of a client, may be sent.
	MaxLabels = 256
	// MinLifetime and MaxLifetime bound what a client or scope may ask for as
	// lifetime of its access tokens, in seconds.
	MinLifetime = 60
	MaxLifetime = 24 * 60 * 60
	// MaxUIDLength is how many characters the uid of an object may have.
	MaxUIDLength = 128
	// MaxRefreshLifetime bounds the lifetimes of refresh tokens, in seconds: a
	// year.
	MaxRefreshLifetime = 365 * 24 * 60 * 60
	// MaxAllowedUsers is how many entries allowed_users may have, MaxAllowedNames how
	// many groups, or roles, one of them may list, and MaxAllowedName how many
	// characters each of these may have.
	MaxAllowedUsers = 16
	MaxAllowedNames = 64
	MaxAllowedName  = 256
	// MaxOwnerDisplay is how many characters owner_display may have.
	MaxOwnerDisplay = 200
)

// ValidUID reports whether uid can be the uid of a Kubernetes object.
func ValidUID(uid string) bool {
	return unreserved(uid, MaxUIDLength)
}

// ValidLifetime reports whether seconds is 0 (not limited here) or lies between
// MinLifetime and MaxLifetime.
func ValidLifetime(seconds int64) bool {
	return seconds == 0 || MinLifetime <= seconds && seconds <= MaxLifetime
}

func checkManaged(r Registration) *Error {
	if r.Managed == nil {
		return nil
	}
	checks := []func(Registration) *Error{
		checkOwner,
		checkCounters,
		checkHashes,
		checkResources,
		checkLifetime,
		checkRefreshLifetimes,
		checkPrivileges,
		checkAllowedUsers,
		checkLabels,
		checkAdopt,
	}
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func checkOwner(r Registration) *Error {
	owner := r.Managed.Owner
	switch {
	case !ValidNamespace(owner.Namespace):
		return InvalidClientMetadata("clientele_managed.owner.namespace must be a Kubernetes namespace name")
	case !ValidSubdomain(owner.Name):
		return InvalidClientMetadata("clientele_managed.owner.name must be a Kubernetes object name")
	case !ValidUID(owner.UID):
		return InvalidClientMetadata("clientele_managed.owner.uid must be a Kubernetes uid")
	}
	return nil
}

func checkCounters(r Registration) *Error {
	if r.Managed.Counter < 0 || r.Managed.Generation < 0 {
		return InvalidClientMetadata("clientele_managed.counter and generation must not be negative")
	}
	return nil
}

func checkHashes(r Registration) *Error {
	hashes := r.Managed.SecretHashes
	if len(hashes) > MaxSecretHashes {
		return InvalidClientMetadata("clientele_managed.secret_hashes must list at most %d", MaxSecretHashes)
	}
	if len(hashes) == 0 && authMethod(r).UsesSecret() {
		return InvalidClientMetadata("clientele_managed.secret_hashes must list at least one for %s", authMethod(r))
	}
	if len(hashes) > 0 && authMethod(r) == AuthNone {
		return InvalidClientMetadata("clientele_managed.secret_hashes must be empty for %s: a public client has no secret", AuthNone)
	}
	for i, hash := range hashes {
		if !hexSHA256(hash) {
			return InvalidClientMetadata("clientele_managed.secret_hashes[%d] must be a SHA-256 as 64 lower-case hexadecimal digits", i)
		}
	}
	if !hexSHA256(r.Managed.RegistrationTokenHash) {
		return InvalidClientMetadata("clientele_managed.registration_token_hash must be a SHA-256 as 64 lower-case hexadecimal digits")
	}
	return nil
}

func hexSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkResources(r Registration) *Error {
	resources := r.Managed.Resources
	if len(resources) > MaxResources {
		return InvalidClientMetadata("clientele_managed.resources must list at most %d", MaxResources)
	}
	for i, resource := range resources {
		if err := ValidResource(resource); err != nil {
			return InvalidClientMetadata("clientele_managed.resources[%d]: %s", i, AsError(err).Description)
		}
		if slices.Contains(resources[:i], resource) {
			return InvalidClientMetadata("clientele_managed.resources[%d] is there twice", i)
		}
	}
	return nil
}

func checkLifetime(r Registration) *Error {
	if !ValidLifetime(r.Managed.AccessTokenLifetime) {
		return InvalidClientMetadata("clientele_managed.access_token_lifetime must be 0 or %d to %d seconds", MinLifetime, MaxLifetime)
	}
	return nil
}

// ValidRefreshLifetime reports whether seconds is 0 (not limited here) or lies
// between MinLifetime and MaxRefreshLifetime.
func ValidRefreshLifetime(seconds int64) bool {
	return seconds == 0 || MinLifetime <= seconds && seconds <= MaxRefreshLifetime
}

func checkRefreshLifetimes(r Registration) *Error {
	if !ValidRefreshLifetime(r.Managed.RefreshTokenLifetime) {
		return InvalidClientMetadata("clientele_managed.refresh_token_lifetime must be 0 or %d to %d seconds", MinLifetime, MaxRefreshLifetime)
	}
	if !ValidRefreshLifetime(r.Managed.RefreshTokenIdleLifetime) {
		return InvalidClientMetadata("clientele_managed.refresh_token_idle_lifetime must be 0 or %d to %d seconds", MinLifetime, MaxRefreshLifetime)
	}
	return nil
}

// checkPrivileges: without a secret PKCE is all that binds a code to its client.
func checkPrivileges(r Registration) *Error {
	if r.Managed.PKCEOptional && authMethod(r) == AuthNone {
		return InvalidClientMetadata("clientele_managed.pkce_optional is not for %s: a public client must use PKCE", AuthNone)
	}
	if utf8.RuneCountInString(r.Managed.OwnerDisplay) > MaxOwnerDisplay || !Displayable(r.Managed.OwnerDisplay) {
		return InvalidClientMetadata("clientele_managed.owner_display must be text on one line of at most %d characters", MaxOwnerDisplay)
	}
	return nil
}

// checkAllowedUsers refuses a list without entries, which could be read as everyone or as
// no user.
func checkAllowedUsers(r Registration) *Error {
	allowed := r.Managed.AllowedUsers
	switch {
	case allowed == nil:
		return nil
	case len(allowed) == 0 || len(allowed) > MaxAllowedUsers:
		return InvalidClientMetadata("clientele_managed.allowed_users must list 1 to %d entries, or be absent", MaxAllowedUsers)
	case !usesCode(r):
		return InvalidClientMetadata("clientele_managed.allowed_users is for clients with the grant type %s", GrantAuthorizationCode)
	}
	for i, a := range allowed {
		if len(a.Groups) == 0 && len(a.Roles) == 0 {
			return InvalidClientMetadata("clientele_managed.allowed_users[%d] must list groups or roles", i)
		}
		if !allowedNames(a.Groups) || !allowedNames(a.Roles) {
			return InvalidClientMetadata("clientele_managed.allowed_users[%d] must list at most %d groups and roles of 1 to %d characters each", i, MaxAllowedNames, MaxAllowedName)
		}
	}
	return nil
}

func allowedNames(names []string) bool {
	return len(names) <= MaxAllowedNames && !slices.ContainsFunc(names, func(name string) bool {
		return name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > MaxAllowedName
	})
}

func checkLabels(r Registration) *Error {
	if !validLabels(r.Managed.NamespaceLabels) {
		return InvalidClientMetadata("clientele_managed.namespace_labels must be at most %d Kubernetes labels", MaxLabels)
	}
	if !validLabels(r.Managed.ClientLabels) {
		return InvalidClientMetadata("clientele_managed.client_labels must be at most %d Kubernetes labels", MaxLabels)
	}
	return nil
}

func validLabels(labels map[string]string) bool {
	if len(labels) > MaxLabels {
		return false
	}
	for key, value := range labels {
		if !ValidLabelKey(key) || !ValidLabelValue(value) {
			return false
		}
	}
	return true
}

func checkAdopt(r Registration) *Error {
	if r.Managed.Adopt != "" && !ValidUID(r.Managed.Adopt) {
		return InvalidClientMetadata("clientele_managed.adopt must be a Kubernetes uid")
	}
	return nil
}
