package scopepolicy

import (
	"fmt"
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/rules"
	corev1 "k8s.io/api/core/v1"
)

// defaultAudience begins the audiences that API servers have unless told
// otherwise; whatever this one says, a token for one of them opens it.
const defaultAudience = "https://kubernetes.default.svc"

// claim is a ScopePolicy's claim to declare a resource.
type claim struct {
	policy *v1alpha1.ScopePolicy
	// namespace the policy lies in.
	namespace *corev1.Namespace
}

// claimVerdict says whether a claim stands.
type claimVerdict struct {
	// denied is a reason of Ready; empty: the claim stands.
	denied, message string
	// invalid: the spec breaks a rule that the schema cannot state.
	invalid bool
	// conflicts are declarations of the policy that older ones stand in the way
	// of.
	conflicts []policy.Conflict
}

// judgeClaim decides about one claim among all to the same resource of the same
// server, itself included. It is pure.
func judgeClaim(as *v1alpha1.AuthorizationServer, audiences []string, mine claim, all []claim) claimVerdict {
	if err := rules.Policy(mine.policy).Validate(); err != nil {
		return claimVerdict{denied: v1alpha1.ReasonInvalidSpec, message: err.Error(), invalid: true}
	}
	if v := judgeResource(as, audiences, mine); v.denied != "" {
		return v
	}
	var standing []policy.Policy
	for _, c := range all {
		p := rules.Policy(c.policy)
		if c.policy.DeletionTimestamp.IsZero() && p.Validate() == nil && judgeResource(as, audiences, c).denied == "" {
			standing = append(standing, p)
		}
	}
	conflicts := policy.NewSet(standing).Conflicts(string(mine.policy.UID))
	if len(conflicts) > 0 && conflicts[0].Elsewhere {
		return claimVerdict{
			denied:    v1alpha1.ReasonResourceTaken,
			message:   fmt.Sprintf("resource %s is already declared by the older ScopePolicy %s of another namespace", mine.policy.Spec.Resource, conflicts[0].Policy),
			conflicts: conflicts,
		}
	}
	return claimVerdict{conflicts: conflicts}
}

// judgeResource decides whether a namespace may declare a resource at all.
func judgeResource(as *v1alpha1.AuthorizationServer, audiences []string, c claim) claimVerdict {
	resource := c.policy.Spec.Resource
	if by := reservedBy(as, audiences, resource); by != "" {
		return claimVerdict{denied: v1alpha1.ReasonResourceReserved,
			message: fmt.Sprintf("resource %s is reserved: it is, or lies below, %s; choose the URI of your own API", resource, by)}
	}
	if mayDeclare(as, resource, c.namespace) {
		return claimVerdict{}
	}
	return claimVerdict{denied: v1alpha1.ReasonResourceNotAllowed,
		message: fmt.Sprintf("spec.resources of AuthorizationServer %s/%s does not let namespace %s declare %s: choose a resource that it allows, or have an entry with a prefix of it added there",
			as.Namespace, as.Name, c.policy.Namespace, resource)}
}

// reservedBy names what reserves a resource; empty: nothing. Tokens for the
// issuer open the authorization server itself, tokens for the API server's
// audiences open the cluster.
func reservedBy(as *v1alpha1.AuthorizationServer, audiences []string, resource string) string {
	if policy.MatchPrefix(as.Spec.Issuer, resource) {
		return "the issuer"
	}
	reserved := slices.ContainsFunc(audiences, func(a string) bool { return policy.MatchPrefix(a, resource) })
	if reserved || strings.HasPrefix(resource, defaultAudience) {
		return "an audience of the Kubernetes API server"
	}
	return ""
}

func mayDeclare(as *v1alpha1.AuthorizationServer, resource string, ns *corev1.Namespace) bool {
	if as.Spec.Resources == nil {
		return ns.Name == as.Namespace
	}
	var list []policy.OwnershipRule
	for _, r := range *as.Spec.Resources {
		list = append(list, policy.OwnershipRule{Prefixes: r.Prefixes, Includes: rules.Includes(r.Namespaces, as.Namespace, ns)})
	}
	_, may := policy.Ownership(list, resource)
	return may
}
