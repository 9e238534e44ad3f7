package controllers_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers"
	"clientele.dev/clientele/hack/testenv"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scoped is the ServiceAccount of an operator that has no right in the whole cluster but to
// read Namespaces.
const scoped = "clientele-scoped"

// rulesOf reads the rules of a role of config/install.yaml.
func rulesOf(t *testing.T, c client.Client, role client.Object) []rbacv1.PolicyRule {
	t.Helper()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(role), role); err != nil {
		t.Fatal(err)
	}
	switch r := role.(type) {
	case *rbacv1.ClusterRole:
		return r.Rules
	case *rbacv1.Role:
		return r.Rules
	}
	return nil
}

// grant gives the scoped operator rules in a namespace, by a Role and its binding.
func (s *stack) grant(t *testing.T, namespace string, rules []rbacv1.PolicyRule) (binding *rbacv1.RoleBinding) {
	t.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: scoped}
	s.create(t, &rbacv1.Role{ObjectMeta: *meta.DeepCopy(), Rules: rules})
	binding = &rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: scoped},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: scoped}},
	}
	s.create(t, binding)
	return binding
}

// tenantRules are those of the operator's role that it needs in a watched namespace.
func tenantRules(all []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	needed := []string{"secrets", "events", "oauthclients", "oauthclients/status", "scopepolicies", "scopepolicies/status"}
	var rules []rbacv1.PolicyRule
	for _, rule := range all {
		rule.Resources = slices.DeleteFunc(slices.Clone(rule.Resources), func(r string) bool { return !slices.Contains(needed, r) })
		if len(rule.Resources) > 0 {
			rules = append(rules, rule)
		}
	}
	return rules
}

// registrations are the owners of the registration Secrets in a namespace's name.
func (s *stack) registrations(t *testing.T, namespace string) []string {
	t.Helper()
	var secrets corev1.SecretList
	if err := s.client.List(t.Context(), &secrets, client.InNamespace(system), client.MatchingLabels{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration}); err != nil {
		t.Fatal(err)
	}
	var owners []string
	for _, one := range secrets.Items {
		if owner := one.Annotations[v1alpha1.AnnotationOwner]; strings.HasPrefix(owner, namespace+"/") {
			owners = append(owners, owner)
		}
	}
	return owners
}

// in is the stack seen from another namespace.
func (s *stack) in(namespace string) *stack {
	other := *s
	other.ns = namespace
	return &other
}

// An operator that may read nothing in the whole cluster but Namespaces works in the
// namespaces where it has a Role. Those where it has none are left out until it has, and
// nothing of theirs is deregistered meanwhile.
func TestNamespacesAreWatchedWhereTheOperatorHasARole(t *testing.T) {
	s := startServerOnly(t)
	first, second, forbidden, unlisted := s.in(testenv.Namespace(t)), s.in(testenv.Namespace(t)), s.in(testenv.Namespace(t)), s.in(testenv.Namespace(t))
	absent := s.in(first.ns + "-later")

	cluster := rulesOf(t, s.client, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "clientele-operator"}})
	tenant := tenantRules(cluster)
	local := slices.Concat(cluster,
		rulesOf(t, s.client, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "clientele-operator-servers"}}),
		rulesOf(t, s.client, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "clientele-operator"}}),
		[]rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, ResourceNames: []string{scoped}, Verbs: []string{"create"}}})
	testenv.ServiceAccount(t, system, scoped)
	t.Cleanup(func() {
		s.remove(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: scoped}})
	})
	namespaces := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: scoped}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}},
	}}
	s.create(t, namespaces)
	s.create(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: scoped},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: scoped},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: scoped}},
	})
	s.grant(t, system, local)
	s.grant(t, first.ns, tenant)
	binding := s.grant(t, second.ns, tenant)

	clients := map[*stack]*v1alpha1.OAuthClient{}
	for _, in := range []*stack{first, second, forbidden, unlisted} {
		clients[in] = in.oauthClient()
		s.create(t, clients[in])
	}
	policy := first.policy()
	s.create(t, policy)
	background(t, "the operator", func(ctx context.Context) error {
		return controllers.Run(ctx, controllers.Options{
			Config:                 testenv.ServiceAccountConfig(t, system, scoped),
			Namespace:              system,
			ServiceAccount:         scoped,
			WatchNamespaces:        []string{first.ns, second.ns, forbidden.ns, absent.ns},
			CheckNamespacesEvery:   200 * time.Millisecond,
			ClaimDefault:           true,
			MetricsBindAddress:     "0",
			HealthProbeBindAddress: "0",
			LeaderElect:            true,
			Log:                    logr.FromSlogHandler(s.log.handler()),
			Now:                    time.Now,
		})
	})

	s.await(t, clients[first], v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.await(t, clients[second], v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.await(t, policy, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	first.awaitToken(t, "200 read")
	unseen := func(in *stack) {
		t.Helper()
		oac := clients[in]
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(oac), oac); err != nil || oac.Status.ObservedGeneration != -1 || len(s.registrations(t, in.ns)) > 0 {
			t.Errorf("the client in %s, which is not watched, was seen: %+v, %v", in.ns, oac.Status, err)
		}
	}
	unseen(forbidden)
	unseen(unlisted)

	// A right that comes later, and a namespace that does.
	s.grant(t, forbidden.ns, tenant)
	s.await(t, clients[forbidden], v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	if err := s.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: absent.ns}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.remove(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: absent.ns}})
	})
	s.grant(t, absent.ns, tenant)
	clients[absent] = absent.oauthClient()
	s.create(t, clients[absent])
	s.await(t, clients[absent], v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	unseen(unlisted)

	// A right that is taken away: what is registered stays, also what is deleted
	// meanwhile, until the operator can see that again.
	if err := s.client.Delete(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	left := "left out"
	s.eventually(t, func(context.Context) bool {
		text := s.log.String()
		at := strings.LastIndex(text, left)
		return at >= 0 && strings.Contains(text[at:], second.ns)
	}, func() string { return "the operator does not notice that it may not list " + second.ns })
	s.remove(t, clients[second])
	s.gone(t, clients[second])
	// The operator runs without that namespace: it deregisters a client of another one that
	// was deleted later.
	later := first.oauthClient()
	later.Name = "later"
	s.create(t, later)
	s.await(t, later, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.remove(t, later)
	s.eventually(t, func(context.Context) bool { return len(s.registrations(t, first.ns)) == 1 },
		func() string { return "the client that was deleted is still registered" })
	if got := s.registrations(t, second.ns); len(got) != 1 {
		t.Errorf("the registrations of a namespace that cannot be listed are %v", got)
	}
	binding.ResourceVersion, binding.UID = "", ""
	if err := s.client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, func(context.Context) bool { return len(s.registrations(t, second.ns)) == 0 },
		func() string { return "the client that was deleted is still registered" })

	// A namespace that is deleted takes the operator's rights there with it.
	if err := s.client.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: absent.ns}}); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, func(context.Context) bool { return len(s.registrations(t, absent.ns)) == 0 },
		func() string { return "the client of a namespace that is gone is still registered" })
	first.awaitToken(t, "200 read")
}
