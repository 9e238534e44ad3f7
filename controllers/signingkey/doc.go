// Package signingkey makes and rotates the signing keys of an
// AuthorizationServer. They lie in one Secret beside it, which the server
// watches.
//
// What is to happen when is decided by keys.Plan, a pure function of the keys,
// the time and what the server's replicas serve. This package asks the replicas,
// calls it, writes the Secret and tells of it in events.
//
// The Secret is written by Create, or by Update of the version that was read, so
// that of two leaders one loses. A damaged one is never overwritten: somebody
// may still have the keys. A deleted one is made anew with other keys, for
// nothing else is possible. It has no owner: an AuthorizationServer that is
// deleted by mistake and made again goes on with its keys.
package signingkey
