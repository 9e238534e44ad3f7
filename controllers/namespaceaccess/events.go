package namespaceaccess

import (
	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// toldConditions are the conditions whose failures are told in events.
var toldConditions = []notice.Condition{{Type: v1alpha1.ConditionReady, Action: "GiveAccess", Bad: metav1.ConditionFalse}}
