// Package registrar is the client side of the registration protocol: RFC 7591
// and 7592 as a registrar uses them, the registrar API for policies, and the
// inventory, which tells what a server holds of this cluster.
//
// Servers keeps one Server per AuthorizationServer and, as a Runnable of the
// leader only, follows each one's inventory by long poll. Reconcilers ask a
// Server, record in its inventory what they changed, and subscribe to be told
// when something differs from what they left there.
//
// The bearer token of the registrar goes over https only, or to loopback; no
// redirect is followed; addresses come from the server's metadata.
package registrar
