// Package managed runs the authorization servers of type Managed: it makes their
// certificates and applies their objects, in one pass per AuthorizationServer.
//
// The objects are applied server-side with the fields that are rendered here, and no
// others: what others set beside them, such as an autoscaler's number of replicas or a
// mesh's annotations, stays. Drift is repaired when a watch shows it.
//
// The package writes no status. It keeps a State per AuthorizationServer, which
// controllers/authorizationserver reads and judges.
package managed
