// Package stack runs the whole product on loopback: a control plane, the operator
// and the authorization server, each with the rights that config/install.yaml gives it.
// hack/stack shows it to people, hack/bench measures it.
package stack
