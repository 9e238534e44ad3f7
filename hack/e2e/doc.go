// Package e2e installs Clientele on a real cluster, as its users do, and breaks what
// can break there. It has only tests; README.md says how to run them.
//
// A scenario is a test. Those whose name begins with TestLong run with `make e2e-long`,
// all others with `make e2e`. They share one installation, which the first that needs it
// makes (installation in install_test.go), so each can also be run alone, and leaves
// the installation as it found it.
package e2e
