// Package v1alpha1 holds the Kubernetes API of Clientele: AuthorizationServer,
// OAuthClient and ScopePolicy in the group oauth.clientele.dev.
//
// One file per kind; conditions.go has the condition types with their reasons,
// contract.go the labels, annotations and Secret keys that users and programs
// may rely on.
//
// +kubebuilder:object:generate=true
// +groupName=oauth.clientele.dev
package v1alpha1
