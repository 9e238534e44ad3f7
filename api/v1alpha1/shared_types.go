package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ServerReference names the AuthorizationServer an object belongs to.
type ServerReference struct {
	// name of the AuthorizationServer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`

	// namespace of the AuthorizationServer. Absent: the operator's own namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// CABundleKind is the kind of object that holds a CA bundle.
// +kubebuilder:validation:Enum=ConfigMap;Secret
type CABundleKind string

// The kinds of objects that hold a CA bundle.
const (
	// CABundleConfigMap is a ConfigMap.
	CABundleConfigMap CABundleKind = "ConfigMap"
	// CABundleSecret is a Secret.
	CABundleSecret CABundleKind = "Secret"
)

// CABundleReference names PEM certificates in an object beside the
// AuthorizationServer.
type CABundleReference struct {
	// kind of the object: ConfigMap or Secret.
	// +required
	Kind CABundleKind `json:"kind"`

	// name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`

	// key in the object. Absent: ca.crt.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}

// NamespacesFrom says how a group of namespaces is chosen.
// +kubebuilder:validation:Enum=Same;All;Selector
type NamespacesFrom string

// The ways to choose a group of namespaces.
const (
	// NamespacesFromSame is the namespace of the object that holds the rule.
	NamespacesFromSame NamespacesFrom = "Same"
	// NamespacesFromAll is every namespace of the cluster.
	NamespacesFromAll NamespacesFrom = "All"
	// NamespacesFromSelector is every namespace whose labels match the selector.
	NamespacesFromSelector NamespacesFrom = "Selector"
)

// NamespaceGroup chooses namespaces.
// +kubebuilder:validation:XValidation:rule="(self.from == 'Selector') == has(self.selector)",message="selector must be set if, and only if, from is Selector"
type NamespaceGroup struct {
	// from says how the namespaces are chosen: Same, All or Selector.
	// +required
	From NamespacesFrom `json:"from"`

	// selector matches the labels of namespaces; kubernetes.io/metadata.name is
	// the label that holds a namespace's name.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}
