package authorizationserver

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
)

// K5: status.caBundle is what apps need now, and stays where that cannot be told.
func TestK5CABundleInStatus(t *testing.T) {
	for name, c := range map[string]struct {
		managed bool
		change  func(*observed)
		want    string
	}{
		"own CA":                 {true, func(o *observed) { o.managed.AppsBundle, o.managed.AppsBundleKnown = "new", true }, "new"},
		"public":                 {true, func(o *observed) { o.managed.AppsBundleKnown = true }, ""},
		"not known":              {true, func(*observed) {}, "old"},
		"not the registrar's":    {true, func(o *observed) { o.state.CABundle = "registrar" }, "old"},
		"Unmanaged":              {false, func(o *observed) { o.state.CABundle = "new" }, "new"},
		"Unmanaged, not read":    {false, func(*observed) {}, "old"},
		"no longer Managed":      {false, func(o *observed) { o.managed.AppsBundleKnown = true }, "old"},
		"does not count (other)": {true, func(o *observed) { o.counted = false }, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			as := &v1alpha1.AuthorizationServer{}
			as.Spec.Type = v1alpha1.AuthorizationServerUnmanaged
			if c.managed {
				as.Spec.Type, as.Spec.Managed = v1alpha1.AuthorizationServerManaged, &v1alpha1.ManagedServer{}
			}
			as.Status.CABundle = "old"
			o := observed{counted: true, looked: c.managed}
			c.change(&o)
			if got := judge(as, o).CABundle; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
