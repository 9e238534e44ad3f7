package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"clientele.dev/clientele/api/v1alpha1"
)

// checkRights asks the API server whether the operator may do what the roles of this
// release permit.
func (k *checker) checkRights(ctx context.Context) {
	what := fmt.Sprintf("rights of ServiceAccount %s/%s", k.namespace, k.operatorAccount)
	wanted, err := k.wantedRights()
	if err != nil {
		k.fail(checkRights, what, err.Error(), "clientele version")
		return
	}
	k.review(ctx, what, k.namespace, k.operatorAccount, wanted)
}

// review asks the API server whether a ServiceAccount has rights.
func (k *checker) review(ctx context.Context, what, namespace, account string, wanted []authorizationv1.ResourceAttributes) {
	missing := map[string][]string{} // verbs, by what they are about
	for _, right := range wanted {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:   "system:serviceaccount:" + namespace + ":" + account,
			Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}, ResourceAttributes: &right,
		}}
		if err := k.c.Create(ctx, review); err != nil {
			if apierrors.IsForbidden(err) {
				k.warn(checkRights, what, "you may not ask what others may do ("+message(err)+"); a cluster admin can let you", bindRole)
				return
			}
			k.unread(checkRights, what, err)
			return
		}
		if !review.Status.Allowed {
			about := subject(right)
			missing[about] = append(missing[about], right.Verb)
		}
	}
	if len(missing) == 0 {
		k.ok(checkRights, what, fmt.Sprintf("all %d", len(wanted)))
		return
	}
	var lacks []string
	for _, about := range slices.Sorted(maps.Keys(missing)) {
		lacks = append(lacks, strings.Join(missing[about], ", ")+" "+about)
	}
	k.fail(checkRights, what, "it may not "+strings.Join(lacks, "; ")+": a role or a binding of this release is missing, or older", k.install())
}

// subject is what a right is about.
func subject(r authorizationv1.ResourceAttributes) string {
	text := r.Resource
	if r.Subresource != "" {
		text += "/" + r.Subresource
	}
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	if r.Namespace == "" {
		return text + " everywhere"
	}
	return text + " in " + r.Namespace
}

// wantedRights are those of the roles in config/install.yaml, each in the namespaces in which
// the operator uses it.
func (k *checker) wantedRights() ([]authorizationv1.ResourceAttributes, error) {
	watched, servers := k.list("--watch-namespaces"), k.list("--authorization-server-namespaces")
	if len(servers) == 0 {
		servers = []string{k.namespace}
	}
	if len(watched) == 0 {
		watched = []string{""} // all
	}
	everywhere, own, beside, err := operatorRules()
	if err != nil {
		return nil, err
	}
	seen := sets.New[authorizationv1.ResourceAttributes]()
	var all []authorizationv1.ResourceAttributes
	add := func(rule rbacv1.PolicyRule, in func(resource string) []string) {
		for _, right := range expand(rule) {
			for _, right.Namespace = range in(right.Resource) {
				if !seen.Has(right) {
					seen.Insert(right)
					all = append(all, right)
				}
			}
		}
	}
	for _, rule := range everywhere {
		add(rule, func(resource string) []string {
			switch {
			case resource == "namespaces":
				return []string{""}
			case watched[0] != "" && (resource == "authorizationservers" || resource == "namespaceaccesses"):
				return servers
			}
			return watched
		})
	}
	for _, rule := range own {
		if slices.Contains(rule.Resources, "serviceaccounts/token") {
			rule.ResourceNames = []string{k.operatorAccount}
		}
		add(rule, func(string) []string { return []string{k.namespace} })
	}
	for _, rule := range beside {
		add(rule, func(string) []string { return servers })
	}
	return all, nil
}

// list is the value of a flag of the operator, separated by commas.
func (k *checker) list(flag string) []string {
	if k.deployment == nil {
		return nil
	}
	var all []string
	for _, c := range k.deployment.Spec.Template.Spec.Containers {
		args := slices.Concat(c.Command, c.Args)
		for i, arg := range args {
			value, found := strings.CutPrefix(arg, flag+"=")
			if arg == flag && i+1 < len(args) {
				value, found = args[i+1], true
			}
			if found && value != "" {
				all = append(all, strings.Split(value, ",")...)
			}
		}
	}
	return all
}

// expand takes a rule apart into single rights, without their namespaces.
func expand(rule rbacv1.PolicyRule) []authorizationv1.ResourceAttributes {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	var all []authorizationv1.ResourceAttributes
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			resource, sub, _ := strings.Cut(resource, "/")
			for _, name := range names {
				for _, verb := range rule.Verbs {
					all = append(all, authorizationv1.ResourceAttributes{Group: group, Resource: resource, Subresource: sub, Name: name, Verb: verb})
				}
			}
		}
	}
	return all
}

// Roles of the operator in config/install.yaml. Their names in the cluster may differ.
const (
	// roleEverywhere is the ClusterRole.
	roleEverywhere = "clientele-operator"
	// roleOwn is the Role in the operator's own namespace.
	roleOwn = "clientele-operator"
	// roleServers is the Role in the namespaces of AuthorizationServers.
	roleServers = "clientele-operator-servers"
)

// operatorRules are the rules of these roles.
func operatorRules() (everywhere, own, servers []rbacv1.PolicyRule, err error) {
	objects, err := installed()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, o := range objects {
		into := map[string]*[]rbacv1.PolicyRule{
			"ClusterRole " + roleEverywhere: &everywhere, "Role " + roleOwn: &own, "Role " + roleServers: &servers,
		}[o.GetKind()+" "+o.GetName()]
		if into == nil {
			continue
		}
		var role rbacv1.ClusterRole // a Role has the same rules
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			return nil, nil, nil, fmt.Errorf("read config/install.yaml: %w", err)
		}
		*into = role.Rules
	}
	if everywhere == nil || own == nil || servers == nil {
		return nil, nil, nil, errors.New("config/install.yaml of this release lacks a role of the operator")
	}
	return everywhere, own, servers, nil
}

// checkServerRights asks whether a Managed server may ask who a registrar is.
func (k *checker) checkServerRights(ctx context.Context, s *server) {
	what := fmt.Sprintf("rights of ServiceAccount %s/%s", s.Namespace, v1alpha1.ServerObjectName(s.Name))
	k.review(ctx, what, s.Namespace, v1alpha1.ServerObjectName(s.Name), []authorizationv1.ResourceAttributes{
		{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"},
		{Verb: "create", Group: "authorization.k8s.io", Resource: "subjectaccessreviews"},
		{Verb: "get", Group: v1alpha1.GroupVersion.Group, Resource: "authorizationservers", Namespace: s.Namespace, Name: s.Name},
		{Verb: "get", Resource: "secrets", Namespace: s.Namespace, Name: v1alpha1.SigningKeysSecretName(s.Name)},
	})
}
