// Package gitops holds the status of Clientele's objects against the programs that wait
// for them: Helm's own status waiter, the Lua engine that Argo CD runs health scripts
// and actions in, and the evaluator of Flux's healthCheckExprs. It has only tests, in a
// module of its own.
package gitops
