package main

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(kind string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"kind": kind, "spec": spec}}
}

func TestConditionCountsOnlyForThePresentGeneration(t *testing.T) {
	tests := []struct {
		rule      string
		condition map[string]any
		want      bool
	}{
		{"true", map[string]any{"type": "Ready", "status": "True", "observedGeneration": int64(2)}, true},
		{"of an older generation", map[string]any{"type": "Ready", "status": "True", "observedGeneration": int64(1)}, false},
		{"false", map[string]any{"type": "Ready", "status": "False", "observedGeneration": int64(2)}, false},
		{"another condition", map[string]any{"type": "Other", "status": "True"}, false},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			obj := object("OAuthClient", nil)
			obj.SetGeneration(2)
			obj.Object["status"] = map[string]any{"conditions": []any{tc.condition}}
			if got, why := condition(obj, "Ready"); got != tc.want {
				t.Errorf("condition() = %v (%s), want %v", got, why, tc.want)
			}
		})
	}
}
