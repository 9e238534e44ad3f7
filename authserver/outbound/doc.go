// Package outbound is the one way out to the network for every URL that the
// server fetches: a client that cannot be talked into asking what it should not
// (FAILURES A8).
//
//	addresses.go  which addresses may be spoken to
//	client.go     the client and its limits
//
// The address is checked when a connection is made, on the address that is
// connected to. A name that leads somewhere else the second time it is looked up
// gains nothing by it, and no spelling of an address needs to be recognized.
//
// There are two kinds of URLs. Those that the platform team names (upstream
// OpenID providers) may well lead into the cluster: Policy.Private. Those that
// others name (the logo of an app) lead to the public internet and nowhere else. What gives out a machine's own credentials, such as
// the metadata services of clouds, is reached by neither.
//
// Nothing is taken from the environment: a proxy would be the one to look the
// name up, and so decide for us which address is meant.
package outbound
