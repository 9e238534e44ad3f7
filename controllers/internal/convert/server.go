package convert

import (
	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// ServerKey resolves a reference to an AuthorizationServer. operator is the
// operator's own namespace.
func ServerKey(ref *v1alpha1.ServerReference, operator string) types.NamespacedName {
	key := types.NamespacedName{Namespace: operator, Name: v1alpha1.DefaultServerName}
	if ref == nil {
		return key
	}
	if ref.Namespace != "" {
		key.Namespace = ref.Namespace
	}
	key.Name = ref.Name
	return key
}

// DefaultResource is what becomes `aud` when a token request names no resource.
func DefaultResource(as *v1alpha1.AuthorizationServer) string {
	if as.Spec.DefaultResource != "" {
		return as.Spec.DefaultResource
	}
	return as.Spec.Issuer
}
