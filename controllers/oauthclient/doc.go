// Package oauthclient reconciles OAuthClients: it registers them at their
// authorization server and hands their credentials out, so that any crash, lost
// answer or lost store ends in exactly one client, a working credential and a
// true status.
//
//	reconciler.go     the steps in their order; one status write at the end
//	step_server.go    which AuthorizationServer, and is it known
//	step_allowed.go   may this namespace have this client
//	step_record.go    the registration Secret: write-ahead log and truth
//	step_rotate.go    begin a rotation, end it; cut what has expired
//	step_register.go  tell the server, if it does not hold it already
//	step_project.go   the credentials Secret in the app's namespace
//	step_scopes.go    which scopes the policies grant
//	deregister.go     what becomes of a registration whose OAuthClient is gone
//	orphan.go         deletion policy Orphan: leave a client behind, to be adopted
//	tombs.go          who waits to be deregistered, and in vain
//	status.go         from what was observed to conditions; pure
//	events.go         what a person finds in the history of an object
//	metrics.go        what is counted
//	record.go         the registration Secret in words
//	credentials.go    the shape of the credentials Secret
//	policies.go       the policies a server decides by, built once per change
//	watches.go        what brings an OAuthClient back
//
// A registration Secret outlives its OAuthClient until the server has confirmed
// the deletion. OAuthClients have no finalizer.
package oauthclient
