// Package kube is the authorization server's adapter to Kubernetes, the only one.
//
// It delivers settings and keys (authserver.Source) from three objects, watched
// by name: one AuthorizationServer and its two Secrets; and the people who may
// sign in from those Secrets that its spec.users names (Users, Upstreams). And it says who may act
// as a registrar (endpoint.RegistrarAuthorizer) by TokenReview and
// SubjectAccessReview. It reads nothing else, and writes nothing.
//
// The rights it needs are in config/unmanaged/server.yaml.
package kube
