package rules

import (
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// Operator says which objects are an operator's. Several may run in a cluster, each with
// AuthorizationServers in namespaces of its own. It is pure.
type Operator struct {
	// Namespace is the operator's own.
	Namespace string
	// ServerNamespaces are those in which an AuthorizationServer counts.
	ServerNamespaces []string
	// ClaimDefault: objects whose serverRef names no namespace are this operator's, but
	// for those that another one has already.
	ClaimDefault bool
}

// Serves says whether an AuthorizationServer in a namespace counts.
func (o Operator) Serves(namespace string) bool {
	return slices.Contains(o.ServerNamespaces, namespace)
}

// Server is the AuthorizationServer of an object by the serverRef in its spec and in its
// status, which whoever reconciled it wrote. mine: the object is this operator's.
func (o Operator) Server(spec, status *v1alpha1.ServerReference) (key types.NamespacedName, mine bool) {
	key = Server(spec, o.Namespace)
	if spec != nil && spec.Namespace != "" {
		return key, o.Serves(key.Namespace)
	}
	if status == nil || status.Namespace == "" {
		return key, o.ClaimDefault
	}
	if status.Namespace != o.Namespace && !o.Serves(status.Namespace) {
		key.Namespace = status.Namespace
		return key, false
	}
	return key, true
}

// Unserved says that no operator has reconciled an object yet, and that this one must not,
// for the spec names a namespace that does not count here.
func (o Operator) Unserved(spec, status *v1alpha1.ServerReference) bool {
	return spec != nil && spec.Namespace != "" && !o.Serves(spec.Namespace) && status == nil
}
