// Package check is `clientele check`: what is wrong with an installation, and what to do.
//
// It reads, and asks the API server whether others may do what they have to; it changes
// nothing. What the caller may not read is a warning, never a failure. Each line names a
// thing, says why it is not as it should be, and what to do:
//
//	ok   CRD oauthclients.oauth.clientele.dev
//	fail Lease clientele-system/clientele-operator - no operator leads: …; do: kubectl …
//
// The checks, in the order in which one explains the next:
//
//	cluster.go   1 the API server, 2 the CRDs
//	operator.go  3 the operator's Pods and its Lease
//	rights.go    4 what the operator may do
//	servers.go   5 conditions of the AuthorizationServers
//	ports.go     6 the way to their ports (way.go), and what closes it (policies.go)
//	endpoints.go 7 TLS, metadata and keys as clients see them
//	token.go     8 a token (oauth.go: getting and verifying one)
//	clocks.go    9 the clocks
//
// pod.go has `check token` and `check verify`, the two halves of a client and a resource
// server, which run in Pods without a ServiceAccount.
package check
