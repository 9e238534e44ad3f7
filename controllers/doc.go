// Package controllers is the operator: it puts every controller into one
// manager and runs it. Each controller is a package of its own below.
package controllers
