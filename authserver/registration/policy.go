package registration

import (
	"errors"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

// ExistingPolicy is what a decision about a policy starts from.
type ExistingPolicy struct {
	Policy *store.Policy
	// Tampered says that the row is not as this server wrote it.
	Tampered bool
}

// DecidePolicy decides on PUT /registrar/v1/resources/{uid}; p.Cluster is the
// caller's. A lower generation than the stored one is stale_counter, a policy of
// another cluster owner_mismatch; both are *oauth.Error. The change is empty when
// the stored policy is already what was sent.
func DecidePolicy(p policy.Policy, existing ExistingPolicy) (store.PolicyChange, error) {
	if err := validPolicy(p); err != nil {
		return store.PolicyChange{}, err
	}
	if old := existing.Policy; old != nil && !existing.Tampered {
		switch {
		case old.Cluster != p.Cluster:
			return store.PolicyChange{}, oauth.OwnerMismatch("the policy belongs to another cluster").WithCause(store.ErrOwnerMismatch)
		case p.Generation < old.Generation:
			return store.PolicyChange{}, stale(old.Generation, "the generation is lower than the stored one")
		case p.Digest() == old.Digest():
			return store.PolicyChange{}, nil
		}
	}
	return store.PolicyChange{Put: &store.Policy{Policy: p}}, nil
}

// DecidePolicyDelete decides on DELETE /registrar/v1/resources/{uid}. An absent
// policy and one of another cluster are no change.
func DecidePolicyDelete(cluster string, existing ExistingPolicy) store.PolicyChange {
	if existing.Policy == nil {
		return store.PolicyChange{}
	}
	return store.PolicyChange{Delete: existing.Tampered || existing.Policy.Cluster == cluster}
}

func validPolicy(p policy.Policy) error {
	err := p.Validate()
	if err == nil {
		return nil
	}
	if protocol, ok := errors.AsType[*oauth.Error](err); ok {
		return protocol
	}
	return oauth.InvalidRequest("%s", err.Error()).WithCause(err)
}
