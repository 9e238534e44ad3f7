package registry

import (
	"slices"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

func (r *Registry) replacePolicies(all []store.Policy, wasTampered map[string]string) {
	for i := range all {
		p := &all[i]
		_, complained := wasTampered[p.UID]
		r.putPolicy(p, complained)
	}
	r.publishPolicies()
}

func (r *Registry) changePolicies(ch store.Changes) {
	if len(ch.Policies)+len(ch.DeletedPolicies) == 0 {
		return
	}
	for _, uid := range ch.DeletedPolicies {
		r.forgetPolicy(uid)
	}
	for i := range ch.Policies {
		p := &ch.Policies[i]
		_, complained := r.state.tamperedPolicies[p.UID]
		if cluster, ok := r.forgetPolicy(p.UID); ok && p.Tampered {
			p.Cluster = cluster
		}
		r.putPolicy(p, complained)
		r.state.note(change{revision: r.state.revision, policy: true, id: p.UID, owner: oauth.Owner{Cluster: p.Cluster}})
	}
	r.publishPolicies()
}

func (r *Registry) putPolicy(p *store.Policy, complained bool) {
	if !p.Tampered {
		r.state.policies[p.UID] = *p
		r.state.counts.Policies++
		return
	}
	r.state.tamperedPolicies[p.UID] = p.Cluster
	r.state.counts.Tampered++
	if !complained {
		r.complain("policy", p.UID)
	}
}

// forgetPolicy and tell whose it was.
func (r *Registry) forgetPolicy(uid string) (cluster string, ok bool) {
	if p, valid := r.state.policies[uid]; valid {
		cluster, ok = p.Cluster, true
		delete(r.state.policies, uid)
		r.state.counts.Policies--
	} else if cluster, ok = r.state.tamperedPolicies[uid]; ok {
		delete(r.state.tamperedPolicies, uid)
		r.state.counts.Tampered--
	}
	if ok {
		r.state.note(change{revision: r.state.revision, policy: true, id: uid, owner: oauth.Owner{Cluster: cluster}})
	}
	return cluster, ok
}

func (r *Registry) publishPolicies() {
	all := make([]policy.Policy, 0, len(r.state.policies))
	for _, p := range r.state.policies {
		all = append(all, p.Policy)
	}
	slices.SortFunc(all, func(a, b policy.Policy) int { return strings.Compare(a.UID, b.UID) })
	r.policies.Store(&policySnapshot{set: policy.NewSet(all), revision: r.policies.Load().revision + 1})
}
