package authorizationserver

import "clientele.dev/clientele/api/v1alpha1"

// describeBundle fills in the CA that apps need. Where that is not known the one of
// before stays: apps that trust it must not suffer because an object cannot be read, or
// because a server became Unmanaged and goes on with the same certificate.
func describeBundle(as *v1alpha1.AuthorizationServer, next *v1alpha1.AuthorizationServerStatus, o observed) {
	switch managed := as.Spec.Type == v1alpha1.AuthorizationServerManaged; {
	case managed && o.managed.AppsBundleKnown:
		next.CABundle = o.managed.AppsBundle
	case !managed && o.state.CABundle != "":
		next.CABundle = o.state.CABundle
	}
}
