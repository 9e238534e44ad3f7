package manifests

import (
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Rights returns, of what is installed into a cluster, who may do what: namespace,
// ServiceAccounts, roles and admission policies, and beside them those of a server of type
// Unmanaged. For a control plane without nodes, on which the programs run beside it.
func Rights(root string) ([]*unstructured.Unstructured, error) {
	all, err := ReadFile(filepath.Join(root, "config", "install.yaml"))
	if err != nil {
		return nil, err
	}
	server, err := Read(filepath.Join(root, "config", "unmanaged"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(append(all, server...), func(o *unstructured.Unstructured) bool {
		switch o.GroupVersionKind().Group {
		case "rbac.authorization.k8s.io", "admissionregistration.k8s.io":
			return false
		}
		return o.GetKind() != "Namespace" && o.GetKind() != "ServiceAccount"
	}), nil
}
