package stack

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(kind string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"kind": kind, "spec": spec}}
}

func TestRewriteIssuer(t *testing.T) {
	const here = "http://127.0.0.1:9"
	tests := []struct {
		rule       string
		kind       string
		spec, want map[string]any
	}{
		{"issuer", "AuthorizationServer",
			map[string]any{"issuer": "http://127.0.0.1:8080", "type": "Unmanaged"},
			map[string]any{"issuer": here, "type": "Unmanaged"}},
		{"URL follows where it is set", "AuthorizationServer",
			map[string]any{"issuer": "http://127.0.0.1:8080", "unmanaged": map[string]any{"url": "http://127.0.0.1:8080"}},
			map[string]any{"issuer": here, "unmanaged": map[string]any{"url": here}}},
		{"URL is not invented", "AuthorizationServer",
			map[string]any{"issuer": "http://127.0.0.1:8080", "unmanaged": map[string]any{}},
			map[string]any{"issuer": here, "unmanaged": map[string]any{}}},
		{"other kinds stay", "OAuthClient", map[string]any{"issuer": "x"}, map[string]any{"issuer": "x"}},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			obj := object(tc.kind, tc.spec)
			if err := rewriteIssuer(obj, here); err != nil {
				t.Fatal(err)
			}
			if got := obj.Object["spec"]; !reflect.DeepEqual(got, tc.want) {
				t.Errorf("spec = %v, want %v", got, tc.want)
			}
		})
	}
}
