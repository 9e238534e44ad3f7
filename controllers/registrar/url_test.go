package registrar

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
)

func TestURLOfTheRegistrarAPI(t *testing.T) {
	ca := &v1alpha1.CABundleReference{Kind: v1alpha1.CABundleSecret, Name: "internal"}
	for want, spec := range map[string]v1alpha1.AuthorizationServerSpec{
		"https://issuer.example/x":                      {Type: v1alpha1.AuthorizationServerUnmanaged},
		"https://as.example":                            {Unmanaged: &v1alpha1.UnmanagedServer{URL: "https://as.example/"}},
		"https://registrars.example:8444/y":             {Unmanaged: &v1alpha1.UnmanagedServer{URL: "https://as.example", RegistrarURL: "https://registrars.example:8444/y/", CABundleRef: ca}},
		"https://clientele-a-registrar.system.svc:8444": {Type: v1alpha1.AuthorizationServerManaged, Managed: &v1alpha1.ManagedServer{}},
	} {
		as := &v1alpha1.AuthorizationServer{Spec: spec}
		as.Namespace, as.Name, as.Spec.Issuer = "system", "a", "https://issuer.example/x"
		if got := URL(as); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		moved := Elsewhere(as, "https://127.0.0.1:9999")
		if URL(moved) != "https://127.0.0.1:9999" || caOf(moved) != caOf(as) || moved.Spec.Issuer != as.Spec.Issuer {
			t.Errorf("elsewhere: %s, %+v", URL(moved), caOf(moved))
		}
	}
}
