package oauth

import "slices"

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
