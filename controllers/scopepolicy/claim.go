package scopepolicy

import (
	"fmt"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/rules"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

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

// authority is what decides about claims at one AuthorizationServer.
type authority struct {
	as *v1alpha1.AuthorizationServer
	// access is what its NamespaceAccesses give.
	access access.Server
	// audiences of the API server.
	audiences []string
}

// judgeClaim decides about one claim among all to the same resource of the same
// server, itself included. It is pure.
func judgeClaim(a authority, mine claim, all []claim) claimVerdict {
	if err := rules.Policy(mine.policy).Validate(); err != nil {
		return claimVerdict{denied: v1alpha1.ReasonInvalidSpec, message: err.Error(), invalid: true}
	}
	if v := judgeResource(a, mine); v.denied != "" {
		return v
	}
	var standing []policy.Policy
	for _, c := range all {
		p := rules.Policy(c.policy)
		if c.policy.DeletionTimestamp.IsZero() && p.Validate() == nil && judgeResource(a, c).denied == "" {
			standing = append(standing, p)
		}
	}
	conflicts := policy.NewSet(standing).Conflicts(string(mine.policy.UID))
	if len(conflicts) > 0 && conflicts[0].Elsewhere {
		return claimVerdict{
			denied:    v1alpha1.ReasonResourceTaken,
			message:   fmt.Sprintf("resource %s is declared by the older ScopePolicy %s of another namespace; with or without a slash as the whole path, it is one resource", mine.policy.Spec.Resource, conflicts[0].Policy),
			conflicts: conflicts,
		}
	}
	return claimVerdict{conflicts: conflicts}
}

// judgeResource decides whether a namespace may declare a resource at all.
func judgeResource(a authority, c claim) claimVerdict {
	resource := c.policy.Spec.Resource
	if by := policy.ReservedBy(a.as.Spec.Issuer, a.audiences, resource); by != "" {
		return claimVerdict{denied: v1alpha1.ReasonResourceReserved,
			message: fmt.Sprintf("resource %s is reserved: it is, or lies below, %s; choose the URI of your own API", resource, by)}
	}
	d := a.access.Declare(resource, c.namespace)
	if d.May {
		return claimVerdict{}
	}
	return claimVerdict{denied: v1alpha1.ReasonResourceNotAllowed, message: notAllowed(a, c, d)}
}

// notAllowed says what to change, and where.
func notAllowed(a authority, c claim, d access.Declaration) string {
	server := client.ObjectKeyFromObject(a.as)
	text := fmt.Sprintf("namespace %s may not declare %s at AuthorizationServer %s", c.policy.Namespace, c.policy.Spec.Resource, server)
	switch {
	case a.access.Empty():
		text += fmt.Sprintf(", which has no NamespaceAccess, so only namespace %s may", server.Namespace)
	case len(d.By) > 0:
		text += fmt.Sprintf(": prefix %s in spec.resources of NamespaceAccess %s covers it and does not give it to this namespace", d.Prefix, strings.Join(d.By, ", "))
	default:
		text += ": no NamespaceAccess has a prefix that covers it"
	}
	text += fmt.Sprintf(". Choose a resource that this namespace may declare, or have a prefix of it that is at least as long added to spec.resources.prefixes of a NamespaceAccess in namespace %s that matches this namespace", server.Namespace)
	if a.access.Empty() {
		text += ". " + access.FirstObjectWarning(server.Namespace)
	}
	return text
}
