// Package minkube holds the CRDs against the oldest Kubernetes that Clientele supports
// (README.md and charts/clientele name it): they must be valid, their CEL rules compile
// and stay within its cost limits, as that version's API server has them. It has only
// tests, in a module of its own, whose go.mod pins that version.
package minkube
