// Package jwtauthn holds the server's access tokens against the JWT authenticator
// that kube-apiserver itself uses. It has only tests, in a module of its own,
// because that authenticator needs more dependencies than the product should have.
package jwtauthn
