// Package e2e holds the server against programs that are not ours and need more
// dependencies than the product should have. It has only tests, in a module of
// its own.
package e2e
