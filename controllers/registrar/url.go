package registrar

import (
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
)

// URL is where the operator reaches the server of an AuthorizationServer, in place of the
// issuer: for everything, its metadata too. A server may have another port, or another
// Service, for registrars than for everybody else.
func URL(as *v1alpha1.AuthorizationServer) string {
	if as.Spec.Type == v1alpha1.AuthorizationServerManaged {
		return fmt.Sprintf("https://%s.%s.svc:%d", v1alpha1.RegistrarServiceName(as.Name), as.Namespace, v1alpha1.PortRegistrar)
	}
	if u := as.Spec.Unmanaged; u != nil {
		switch {
		case u.RegistrarURL != "":
			return trimSlash(u.RegistrarURL)
		case u.URL != "":
			return trimSlash(u.URL)
		}
	}
	return as.Spec.Issuer
}

// caOf is the bundle that the server's certificate must chain to; zero: the system's roots.
func caOf(as *v1alpha1.AuthorizationServer) v1alpha1.CABundleReference {
	if as.Spec.Type == v1alpha1.AuthorizationServerManaged {
		return v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: v1alpha1.ServerCAName(as.Name), Key: v1alpha1.CABundleKey}
	}
	if u := as.Spec.Unmanaged; u != nil && u.CABundleRef != nil {
		return *u.CABundleRef
	}
	return v1alpha1.CABundleReference{}
}

// Elsewhere is a copy of an AuthorizationServer whose server is reached at another URL, such
// as that of a forwarded port. Its certificate is the same.
func Elsewhere(as *v1alpha1.AuthorizationServer, url string) *v1alpha1.AuthorizationServer {
	moved := as.DeepCopy()
	moved.Spec.Type, moved.Spec.Managed = v1alpha1.AuthorizationServerUnmanaged, nil
	moved.Spec.Unmanaged = &v1alpha1.UnmanagedServer{RegistrarURL: url}
	if ca := caOf(as); ca != (v1alpha1.CABundleReference{}) {
		moved.Spec.Unmanaged.CABundleRef = &ca
	}
	return moved
}
