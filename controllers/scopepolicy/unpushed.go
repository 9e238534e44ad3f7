package scopepolicy

import (
	"context"
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Unpushed lists the ScopePolicies, as namespace/name, that the server should hold and does
// not. One that cannot come into force until something is changed is none of them.
func (r *Reconciler) Unpushed(ctx context.Context, server *registrar.Server) ([]string, error) {
	var policies v1alpha1.ScopePolicyList
	if err := r.Client.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	var missing []string
	for i := range policies.Items {
		sp := &policies.Items[i]
		_, there := server.Inventory().Policy(string(sp.UID))
		if key, mine := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef); !mine || key != server.Key() {
			continue
		}
		if there || sp.DeletionTimestamp != nil || denied(sp) {
			continue
		}
		missing = append(missing, client.ObjectKeyFromObject(sp).String())
	}
	slices.Sort(missing)
	return missing, nil
}

func denied(sp *v1alpha1.ScopePolicy) bool {
	return sp.Status.ObservedGeneration == sp.Generation && meta.IsStatusConditionTrue(sp.Status.Conditions, v1alpha1.ConditionStalled)
}
