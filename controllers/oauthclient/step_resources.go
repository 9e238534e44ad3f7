package oauthclient

import (
	"context"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/outcome"
)

// reserved says which of the client's resources no client may have tokens for; nil if all
// are free. While the API server's audiences cannot be found out, those that are always
// reserved are refused: no ScopePolicy declares the others either, so that there are no
// tokens for them.
func (r *Reconciler) reserved(ctx context.Context, p *pass) *problem {
	if len(p.client.Spec.Resources) == 0 {
		return nil
	}
	audiences, _ := r.Audiences(ctx)
	for i, resource := range p.client.Spec.Resources {
		if by := policy.ReservedBy(p.as.Spec.Issuer, audiences, resource); by != "" {
			problem := stalled(v1alpha1.ReasonResourceReserved,
				"spec.resources[%d]: %s is reserved: it is, or lies below, %s; list the URIs of the APIs that the client calls", i, resource, by)
			problem.outcome = outcome.Wait(safetyNet)
			return problem
		}
	}
	return nil
}
