// Package bootstrap is `clientele bootstrap`: it applies the AuthorizationServer and the
// NamespaceAccess that the Helm chart's values describe, and waits until they are Ready.
//
// They are no objects of the release. Helm maps every object of a chart before it makes
// any, so a chart cannot hold a CRD and an object of its kind; and it would delete the
// server with the release, or before each upgrade if it were a hook. So a Job of the chart
// runs this after each install, upgrade and rollback.
//
//	command.go  flags, and the way to the API server
//	apply.go    server-side apply, without force
//	wait.go     until when, and why not
package bootstrap
