// Package namespaceaccess says in the status of a NamespaceAccess whether it counts,
// and how many namespaces it matches.
//
// What the object gives is decided in package internal/access, which is pure, and
// used by the controllers of OAuthClients and ScopePolicies: a NamespaceAccess counts
// from the moment in which the operator's cache has it.
package namespaceaccess
