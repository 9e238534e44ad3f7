package scopepolicy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const orders = "https://orders.example"

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// claimed is a claim of age seconds, with a scope of the name.
func claimed(namespace, name, resource string, age int, scopes ...string) claim {
	sp := &v1alpha1.ScopePolicy{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID("5d1fbd26-0000-0000-0000-" + pad(namespace+name)),
			CreationTimestamp: metav1.NewTime(epoch.Add(-time.Duration(age) * time.Second)), Generation: 1,
		},
		Spec: v1alpha1.ScopePolicySpec{Resource: resource},
	}
	for _, s := range scopes {
		sp.Spec.Scopes = append(sp.Spec.Scopes, v1alpha1.ScopeDeclaration{Name: s})
	}
	return claim{policy: sp, namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"kubernetes.io/metadata.name": namespace}}}}
}

// pad makes 12 hexadecimal digits of a name.
func pad(name string) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 12)
	for i := range out {
		out[i] = digits[int(name[i%len(name)]+byte(i))%16]
	}
	return string(out)
}

func named(namespaces ...string) v1alpha1.NamespaceGroup {
	return v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector, Selector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpIn, Values: namespaces}},
	}}
}

// serverWith is an AuthorizationServer with NamespaceAccesses; without any, the
// default counts.
func serverWith(given ...v1alpha1.NamespaceAccess) authority {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "default"}}
	as.Spec.Issuer = "https://as.example"
	for i := range given {
		given[i].Namespace = "system"
		given[i].Name = fmt.Sprintf("access-%d", i)
	}
	return authority{as: as, access: access.Of(client.ObjectKeyFromObject(as), given), audiences: []string{"https://api.cluster.example"}}
}

func mayDeclare(namespaces v1alpha1.NamespaceGroup, prefixes ...string) v1alpha1.NamespaceAccess {
	return v1alpha1.NamespaceAccess{Spec: v1alpha1.NamespaceAccessSpec{Namespaces: namespaces, Resources: &v1alpha1.ResourceAccess{Prefixes: prefixes}}}
}

func TestWhoMayDeclareAResource(t *testing.T) {
	everybody := v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromAll}
	any := serverWith(mayDeclare(everybody, "https://orders.example", "https://as.example", "https://kubernetes.default.svc", "https://api.cluster.example"))
	twoEntries := serverWith(
		mayDeclare(everybody, "https://api.example"),
		mayDeclare(named("shop"), "https://api.example/orders"),
		mayDeclare(named("other"), "https://api.example/orders"),
	)
	for _, tc := range []struct {
		name, namespace, resource string
		at                        authority
		want                      string
		words                     string // in the message
	}{
		{"allowed to all", "shop", orders, any, "", ""},
		{"below an allowed prefix", "shop", orders + "/v1", any, "", ""},
		{"beside an allowed prefix", "shop", orders + ".evil", any, v1alpha1.ReasonResourceNotAllowed, ""},
		{"no entries", "shop", orders, serverWith(mayDeclare(everybody)), v1alpha1.ReasonResourceNotAllowed, "no NamespaceAccess has a prefix that covers it"},
		{"by default the server's namespace", "system", orders, serverWith(), "", ""},
		{"by default nobody else", "shop", orders, serverWith(), v1alpha1.ReasonResourceNotAllowed, "has no NamespaceAccess, so only namespace system may"},
		{"K4 what is asked for does no harm", "shop", orders, serverWith(), v1alpha1.ReasonResourceNotAllowed, "make one for it first, with namespaces.from Same"},
		{"the longest prefix counts", "shop", "https://api.example/orders", twoEntries, "", ""},
		{"a shorter prefix does not help", "third", "https://api.example/orders", twoEntries, v1alpha1.ReasonResourceNotAllowed, "prefix https://api.example/orders in spec.resources of NamespaceAccess access-1, access-2"},
		{"equal prefixes merge", "other", "https://api.example/orders", twoEntries, "", ""},
		{"elsewhere the shorter prefix counts", "third", "https://api.example/users", twoEntries, "", ""},
		{"the issuer is reserved", "shop", "https://as.example", any, v1alpha1.ReasonResourceReserved, ""},
		{"what lies below the issuer too", "shop", "https://as.example/userinfo", any, v1alpha1.ReasonResourceReserved, ""},
		{"the API server's audience", "shop", "https://api.cluster.example", any, v1alpha1.ReasonResourceReserved, ""},
		{"the API server's usual audience", "shop", "https://kubernetes.default.svc.cluster.local", any, v1alpha1.ReasonResourceReserved, ""},
		{"two spellings of a URI", "shop", "https://Orders.example", any, v1alpha1.ReasonInvalidSpec, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mine := claimed(tc.namespace, "p", tc.resource, 0, "read")
			v := judgeClaim(tc.at, mine, []claim{mine})
			if v.denied != tc.want {
				t.Errorf("denied = %q (%s), want %q", v.denied, v.message, tc.want)
			}
			if v.denied != "" && v.denied != v1alpha1.ReasonInvalidSpec && !strings.Contains(v.message, tc.resource) {
				t.Errorf("the message %q does not name the resource", v.message)
			}
			if !strings.Contains(v.message, tc.words) {
				t.Errorf("the message %q does not say %q", v.message, tc.words)
			}
		})
	}
}

func TestTheOlderClaimStands(t *testing.T) {
	as := serverWith(mayDeclare(named("shop", "rival"), orders))
	older := claimed("shop", "older", orders, 20, "read", "write")
	younger := claimed("shop", "younger", orders, 10, "write", "admin")
	rival := claimed("rival", "older-still-but-not-first", orders, 15, "read")
	outsider := claimed("outsider", "oldest", orders, 99, "read")
	all := []claim{younger, rival, older, outsider}

	if v := judgeClaim(as, older, all); v.denied != "" || len(v.conflicts) != 0 {
		t.Errorf("the oldest claim that may stand is %+v", v)
	}
	v := judgeClaim(as, younger, all)
	if v.denied != "" || len(v.conflicts) != 1 || v.conflicts[0].Scope != "write" || v.conflicts[0].Policy != "shop/older" {
		t.Errorf("a younger claim of the same namespace is %+v, want a conflict about write", v)
	}
	v = judgeClaim(as, rival, all)
	if v.denied != v1alpha1.ReasonResourceTaken || !strings.Contains(v.message, "shop/older") {
		t.Errorf("a claim of another namespace is %+v, want it denied because of shop/older", v)
	}
	slash := claimed("rival", "slash", orders+"/", 5, "read")
	if v := judgeClaim(as, slash, append(all, slash)); v.denied != v1alpha1.ReasonResourceTaken {
		t.Errorf("F32: another spelling of the resource, claimed by another namespace, is %+v", v)
	}
	deleting := claimed("shop", "older", orders, 20, "read")
	now := metav1.NewTime(epoch)
	deleting.policy.DeletionTimestamp = &now
	if v := judgeClaim(as, rival, []claim{rival, deleting}); v.denied != "" {
		t.Errorf("beside a claim that is being deleted: %+v", v)
	}
}

// A scope of OpenID Connect is the server's own: the condition says so by its name.
func TestAPolicyDeclaresNoIdentityScope(t *testing.T) {
	mine := claimed("shop", "p", orders, 0, "read", "email")
	v := judgeClaim(serverWith(), mine, []claim{mine})
	if v.denied != v1alpha1.ReasonInvalidSpec || !strings.Contains(v.message, "email is a scope of OpenID Connect") {
		t.Errorf("denied = %q (%s)", v.denied, v.message)
	}
}
