package controllers_test

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
)

// K9: a CA bundle is followed with the rights of config/install.yaml, and what is wrong with it
// is said plainly.
func TestK9CABundlesAreFollowed(t *testing.T) {
	const system = "clientele-system"
	admin := testenv.Client(t)
	h := httptest.NewTLSServer(nil)
	h.Close()
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	bundles := registrar.WatchBundles{Client: testenv.ClientFor(t, testenv.ServiceAccountConfig(t, system, "clientele-operator"))}
	for kind, object := range map[v1alpha1.CABundleKind]client.Object{
		v1alpha1.CABundleConfigMap: &corev1.ConfigMap{},
		v1alpha1.CABundleSecret:    &corev1.Secret{},
	} {
		t.Run(string(kind), func(t *testing.T) {
			type told struct {
				pem string
				err error
			}
			news := make(chan told, 100)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ref := v1alpha1.CABundleReference{Kind: kind, Name: "test-ca", Key: "root.pem"}
			bundles.Follow(ctx, system, ref, func(pem []byte, err error) { news <- told{string(pem), err} })
			want := func(pem, problem string) {
				t.Helper()
				var last told
				testenv.Eventually(t, "the bundle as it is now", func() bool {
					select {
					case last = <-news:
					default:
					}
					return last.pem == pem && (problem == "") == (last.err == nil) && (problem == "" || last.err != nil && strings.Contains(last.err.Error(), problem))
				})
			}
			name := string(kind) + " " + system + "/test-ca"
			want("", name+" does not exist")
			set := func(key string, value []byte) {
				switch o := object.(type) {
				case *corev1.ConfigMap:
					o.Data = map[string]string{key: string(value)}
				case *corev1.Secret:
					o.Data = map[string][]byte{key: value}
				}
			}
			object.SetNamespace(system)
			object.SetName("test-ca")
			set("root.pem", good)
			must(t, admin.Create(t.Context(), object))
			t.Cleanup(func() { must(t, client.IgnoreNotFound(admin.Delete(context.Background(), object))) })
			want(string(good), "")
			set("root.pem", append(good, good...))
			must(t, admin.Update(t.Context(), object))
			want(string(good)+string(good), "")
			set("root.pem", []byte("planted"))
			must(t, admin.Update(t.Context(), object))
			want("", name+", key root.pem: it holds no PEM certificate")
			set("other.pem", good)
			must(t, admin.Update(t.Context(), object))
			want("", name+" has no key root.pem")
			must(t, admin.Delete(t.Context(), object))
			want("", name+" does not exist")
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
