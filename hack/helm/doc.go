// Package helm holds the chart charts/clientele against the real Helm, versions 3 and 4,
// and against a real API server; the command in render makes of the chart what people
// install without Helm.
//
// A module of its own, for Helm brings kubectl along. It uses the versions of k8s.io that
// the product uses, so that they are compiled once.
package helm
