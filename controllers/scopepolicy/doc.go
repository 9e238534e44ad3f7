// Package scopepolicy puts ScopePolicies in force at their AuthorizationServer
// and takes them out again, and says in their status which it is and why.
//
// Whether a namespace may declare a resource, and whose claim is the better one,
// is judged in claim.go, which is pure. A policy is in force when the server's
// inventory shows its digest. There are no finalizers: the sweeper compares what
// the server holds with what there is.
package scopepolicy
