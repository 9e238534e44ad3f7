package access

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var server = types.NamespacedName{Namespace: "system", Name: "default"}

func namespace(name string, labels ...string) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}}
	for i := 0; i < len(labels); i += 2 {
		ns.Labels[labels[i]] = labels[i+1]
	}
	return ns
}

// object makes a NamespaceAccess for every namespace.
func object(name string, change ...func(*v1alpha1.NamespaceAccess)) v1alpha1.NamespaceAccess {
	o := v1alpha1.NamespaceAccess{ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace, Name: name}}
	o.Spec.Namespaces.From = v1alpha1.NamespacesFromAll
	for _, f := range change {
		f(&o)
	}
	return o
}

type change = func(*v1alpha1.NamespaceAccess)

func forLabel(key, value string) change {
	return func(o *v1alpha1.NamespaceAccess) {
		o.Spec.Namespaces = v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}}
	}
}

func forSame(o *v1alpha1.NamespaceAccess) { o.Spec.Namespaces.From = v1alpha1.NamespacesFromSame }

func toClients(c v1alpha1.ClientAccess) change {
	return func(o *v1alpha1.NamespaceAccess) { o.Spec.Clients = &c }
}

func toHosts(hosts ...string) change { return toClients(v1alpha1.ClientAccess{RedirectHosts: hosts}) }

func toIDs(prefixes ...string) change {
	return toClients(v1alpha1.ClientAccess{ClientIDPrefixes: prefixes})
}

func toResources(prefixes ...string) change {
	return func(o *v1alpha1.NamespaceAccess) { o.Spec.Resources = &v1alpha1.ResourceAccess{Prefixes: prefixes} }
}

func limit(clients, uris int32) change {
	return func(o *v1alpha1.NamespaceAccess) {
		o.Spec.Quota = &v1alpha1.AccessQuota{}
		if clients >= 0 {
			o.Spec.Quota.Clients = &clients
		}
		if uris >= 0 {
			o.Spec.Quota.RedirectURIs = &uris
		}
	}
}

func rightsOf(ns *corev1.Namespace, all ...v1alpha1.NamespaceAccess) Rights {
	return Of(server, all).For(ns)
}

func TestWithoutAnyObject(t *testing.T) {
	own, other := rightsOf(namespace("system")), rightsOf(namespace("shop"))
	if !own.Clients() || !own.RedirectHost("any.example") || !own.ClientID("system.x") {
		t.Error("the server's own namespace has not what it has by default")
	}
	if own.ClientID("legacy-x") || own.Trusted([]string{"any.example"}) || own.PKCEOptional([]string{"any.example"}) || own.Orphan() || len(own.Names()) > 0 {
		t.Error("the server's own namespace has something special by default")
	}
	if other.Clients() || other.RedirectHost("any.example") || other.Orphan() {
		t.Error("another namespace has something")
	}
	none := Of(server, nil)
	if !none.Declare("https://any.example", namespace("system")).May || none.Declare("https://any.example", namespace("shop")).May {
		t.Error("by default the server's own namespace may declare any resource, and no other")
	}
}

func TestOnlyWhatTheObjectsGive(t *testing.T) {
	elsewhere := object("elsewhere", func(o *v1alpha1.NamespaceAccess) { o.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "second"} })
	beside := object("beside", func(o *v1alpha1.NamespaceAccess) { o.Namespace = "shop" })
	if !rightsOf(namespace("system"), elsewhere, beside).Clients() {
		t.Error("an object of another server changes the default")
	}
	for name, o := range map[string]v1alpha1.NamespaceAccess{
		"no section": object("a"), "no namespace": object("a", toHosts("*"), forLabel("no", "one")),
		"only resources": object("a", toResources("https://a.example")),
		"only quota":     object("a", limit(5, 5)),
	} {
		if rightsOf(namespace("system"), o).Clients() {
			t.Errorf("%s: the server's own namespace still has clients", name)
		}
	}
	if !rightsOf(namespace("shop"), object("a", toClients(v1alpha1.ClientAccess{}))).Clients() {
		t.Error("an empty section permits no clients")
	}
}

func TestWhoIsMatched(t *testing.T) {
	broken := forLabel("a b", "c")
	for _, tc := range []struct {
		name string
		o    v1alpha1.NamespaceAccess
		ns   *corev1.Namespace
		want bool
	}{
		{"all", object("a"), namespace("shop"), true},
		{"same, the server's own", object("a", forSame), namespace("system"), true},
		{"same, another", object("a", forSame), namespace("shop"), false},
		{"selector", object("a", forLabel("tier", "gold")), namespace("shop", "tier", "gold"), true},
		{"selector of others", object("a", forLabel("tier", "gold")), namespace("shop", "tier", "lead"), false},
		{"invalid selector", object("a", broken), namespace("shop", "a b", "c"), false},
		{"unknown", object("a", func(o *v1alpha1.NamespaceAccess) { o.Spec.Namespaces.From = "Any" }), namespace("system"), false},
	} {
		if got := Matches(&tc.o, tc.ns); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestRedirectHosts(t *testing.T) {
	for _, tc := range []struct {
		host  string
		given []string
		want  bool
	}{
		{"app.example", []string{"app.example"}, true},
		{"app.example.evil", []string{"app.example"}, false},
		{"evil.example", []string{"app.example"}, false},
		{"a.app.example", []string{"*.app.example"}, true},
		{"a.b.app.example", []string{"*.app.example"}, true},
		{"app.example", []string{"*.app.example"}, false},
		{"evilapp.example", []string{"*.app.example"}, false},
		{"127.0.0.1", []string{"app.example"}, false},
		{"127.0.0.1", []string{"127.0.0.1"}, true},
		{"[::1]", []string{"[::1]"}, true},
		{"com.example.app", []string{"app.example"}, false},
		{"com.example.app:", []string{"com.example.app:"}, true},
		{"com.example.app:", []string{"com.example.app", "*.example.app"}, false},
		{"com.example.app", []string{"com.example.app:"}, false},
		{"any.example", nil, false},
		{"any.example", []string{"*"}, true},
		{"cursor", []string{"*"}, true},
		{"shop.apps.example", []string{"{namespace}.apps.example"}, true},
		{"other.apps.example", []string{"{namespace}.apps.example"}, false},
		{"a.shop.apps.example", []string{"*.{namespace}.apps.example"}, true},
		{"a.other.apps.example", []string{"*.{namespace}.apps.example"}, false},
		{"shopshop.apps.example", []string{"*.{namespace}.apps.example"}, false},
		{"pre-shop.apps.example", []string{"pre-{namespace}.apps.example"}, true},
	} {
		if got := rightsOf(namespace("shop"), object("a", toHosts(tc.given...))).RedirectHost(tc.host); got != tc.want {
			t.Errorf("%s by %q: %v", tc.host, tc.given, got)
		}
	}
}

// S13: a foreign prefix never covers another namespace's default ids, also those of a
// namespace that is made later.
func TestS13ClientIDs(t *testing.T) {
	for _, tc := range []struct {
		id    string
		given []string
		want  bool
	}{
		{"evil.app", nil, true},
		{"evil.app.v2", nil, true},
		{"evil.", nil, false},
		{"evil", nil, false},
		{"evil2.app", nil, false},
		{"legacy-app", nil, false},
		{"legacy-app", []string{"legacy-"}, true},
		{"shop.checkout", []string{"shop"}, false},
		{"shop-2.checkout", []string{"shop"}, false},
		{"shop", []string{"shop"}, true},
		{"shop_old.checkout", []string{"shop"}, true},
		{"Shop.checkout", []string{"Shop"}, true},
		{"shop.checkout", []string{"shop.checkout"}, false},
		{"evil-2.app", []string{"{namespace}"}, false},
		{"evil_app", []string{"{namespace}_"}, true},
		{"shop_app", []string{"{namespace}_"}, false},
		{"7.7", []string{"7"}, false},
		{".x", []string{"."}, true},
	} {
		if got := rightsOf(namespace("evil"), object("a", toIDs(tc.given...))).ClientID(tc.id); got != tc.want {
			t.Errorf("%s by %q: %v", tc.id, tc.given, got)
		}
	}
}

func TestTrustNeedsTheObjectsOwnHosts(t *testing.T) {
	special := toClients(v1alpha1.ClientAccess{RedirectHosts: []string{"app.example"}, Trusted: true, PKCEOptional: true})
	both := rightsOf(namespace("shop"), object("a", special), object("b", toHosts("*")))
	if !both.RedirectHost("app.example") || !both.RedirectHost("other.example") {
		t.Error("the objects do not add up")
	}
	for _, tc := range []struct {
		hosts []string
		want  bool
	}{
		{[]string{"app.example"}, true},
		{[]string{"other.example"}, false},
		{[]string{"app.example", "other.example"}, false},
	} {
		if got := both.Trusted(tc.hosts); got != tc.want {
			t.Errorf("trusted with %q: %v", tc.hosts, got)
		}
		if got := both.PKCEOptional(tc.hosts); got != tc.want {
			t.Errorf("without PKCE with %q: %v", tc.hosts, got)
		}
	}
	hostless := toClients(v1alpha1.ClientAccess{Trusted: true})
	if rightsOf(namespace("shop"), object("a", hostless), object("b", toHosts("*"))).Trusted([]string{"app.example"}) {
		t.Error("trusted by an object without hosts")
	}
}

func TestLimits(t *testing.T) {
	none := Limit{}
	for _, tc := range []struct {
		name          string
		all           []v1alpha1.NamespaceAccess
		clients, uris Limit
	}{
		{"none", []v1alpha1.NamespaceAccess{object("a", toHosts("*"))}, none, none},
		{"one", []v1alpha1.NamespaceAccess{object("a", limit(3, -1))}, Limit{3, "a"}, none},
		{"zero", []v1alpha1.NamespaceAccess{object("a", limit(0, 0))}, Limit{0, "a"}, Limit{0, "a"}},
		{"the largest", []v1alpha1.NamespaceAccess{object("b", limit(5, 1)), object("a", limit(3, 9))}, Limit{5, "b"}, Limit{9, "a"}},
		{"equal ones", []v1alpha1.NamespaceAccess{object("b", limit(5, 5)), object("a", limit(5, 5))}, Limit{5, "a"}, Limit{5, "a"}},
		{"of those that match", []v1alpha1.NamespaceAccess{object("b", limit(50, 50), forLabel("no", "one")), object("a", limit(3, 3))}, Limit{3, "a"}, Limit{3, "a"}},
	} {
		r := rightsOf(namespace("shop"), tc.all...)
		if r.MaxClients() != tc.clients || r.MaxRedirectURIs() != tc.uris {
			t.Errorf("%s: %+v %+v", tc.name, r.MaxClients(), r.MaxRedirectURIs())
		}
	}
	if none.Exceeded(1_000_000) || (Limit{0, "a"}).Exceeded(0) || !(Limit{0, "a"}).Exceeded(1) {
		t.Error("exceeded")
	}
}

func TestWhoMayDeclareAResource(t *testing.T) {
	const shops = "https://shop.api.example"
	gold := forLabel("tier", "gold")
	for _, tc := range []struct {
		name, resource string
		all            []v1alpha1.NamespaceAccess
		ns             *corev1.Namespace
		may            bool
		by             string
	}{
		{"none", shops, []v1alpha1.NamespaceAccess{object("a")}, namespace("system"), false, ""},
		{"covered", shops + "/v1", []v1alpha1.NamespaceAccess{object("a", toResources(shops))}, namespace("shop"), true, "a"},
		{"beside it", shops + ".evil", []v1alpha1.NamespaceAccess{object("a", toResources(shops))}, namespace("shop"), false, ""},
		{"F32 a slash at the end of a longer prefix", shops, []v1alpha1.NamespaceAccess{object("a", toResources(shops+"/"), gold), object("b", toResources("https://"))}, namespace("evil"), false, "a"},
		{"F32 a query after an empty path", shops + "?x", []v1alpha1.NamespaceAccess{object("a", toResources(shops), gold), object("b", toResources("https://"))}, namespace("evil"), false, "a"},
		{"of others", shops, []v1alpha1.NamespaceAccess{object("a", toResources(shops), gold)}, namespace("shop"), false, "a"},
		{"every https resource", shops, []v1alpha1.NamespaceAccess{object("a", toResources("https://"))}, namespace("shop"), true, "a"},
		{"the longest decides", shops + "/v1", []v1alpha1.NamespaceAccess{object("a", toResources(shops)), object("b", toResources(shops+"/v1"), gold)}, namespace("shop"), false, "b"},
		{"the longest decides, for its own", shops + "/v1", []v1alpha1.NamespaceAccess{object("a", toResources(shops)), object("b", toResources(shops+"/v1"), gold)}, namespace("shop", "tier", "gold"), true, "b"},
		{"elsewhere the shorter", shops + "/v2", []v1alpha1.NamespaceAccess{object("a", toResources(shops)), object("b", toResources(shops+"/v1"), gold)}, namespace("shop"), true, "a"},
		{"equal ones merge", shops, []v1alpha1.NamespaceAccess{object("a", toResources(shops), gold), object("b", toResources(shops+"/"), forSame), object("c", toResources(shops))}, namespace("shop"), true, "a b c"},
		{"template, own", shops, []v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.api.example"))}, namespace("shop"), true, "a"},
		{"template, another's", shops, []v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.api.example"))}, namespace("evil"), false, "a"},
		{"template beside a wide prefix: another's name is not to be had", shops,
			[]v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.api.example")), object("b", toResources("https://"))}, namespace("evil"), false, "a"},
		{"template and its text merge", shops,
			[]v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.api.example")), object("b", toResources(shops), forLabel("kubernetes.io/metadata.name", "infra"))}, namespace("infra"), true, "a b"},
		{"template in the path", "https://api.example/shop/orders", []v1alpha1.NamespaceAccess{object("a", toResources("https://api.example/{namespace}"))}, namespace("shop"), true, "a"},
		{"template in the path, begins alike", "https://api.example/shopping", []v1alpha1.NamespaceAccess{object("a", toResources("https://api.example/{namespace}"))}, namespace("shop"), false, "a"},
		{"template twice", "https://shop.example/shop", []v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.example/{namespace}"))}, namespace("shop"), true, "a"},
		{"template twice, two names", "https://shop.example/evil", []v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.example/{namespace}"))}, namespace("shop"), false, ""},
		{"template, nobody's name", "https://a.b.api.example", []v1alpha1.NamespaceAccess{object("a", toResources("https://{namespace}.api.example"))}, namespace("shop"), false, ""},
		{"template at the end, with a hyphen", "https://x.example/a-b", []v1alpha1.NamespaceAccess{object("a", toResources("https://x.example/{namespace}-b"))}, namespace("a"), true, "a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				d := Of(server, tc.all).Declare(tc.resource, tc.ns)
				if d.May != tc.may || strings.Join(d.By, " ") != tc.by || (d.Prefix == "") != (tc.by == "") {
					t.Errorf("%+v, want %v by %q", d, tc.may, tc.by)
				}
				slices.Reverse(tc.all)
			}
		})
	}
}

// The rights of random objects: one more takes no right away, but that a longer prefix
// decides who may declare a resource; and the order never matters.
func TestObjectsAddUpInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		all := make([]v1alpha1.NamespaceAccess, 1+random.IntN(5))
		for i := range all {
			all[i] = anyObject(random, string(rune('a'+i)))
		}
		ns := namespace([]string{"shop", "evil", "system"}[random.IntN(3)], "tier", []string{"gold", "lead"}[random.IntN(2)])
		whole := asked(Of(server, all), ns)
		shuffled := slices.Clone(all)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if again := asked(Of(server, shuffled), ns); !slices.Equal(whole, again) {
			t.Fatalf("in another order: %v, then %v: %+v", whole, again, all)
		}
		if len(all) == 1 {
			continue // without any object, other rules count
		}
		for i, before := range asked(Of(server, all[1:]), ns) {
			if before.granted && !whole[i].granted && whole[i].longest <= before.longest {
				t.Fatalf("%s is lost by one object more: %+v", before.right, all)
			}
		}
		less, more := Of(server, all[1:]).For(ns).MaxClients(), Of(server, all).For(ns).MaxClients()
		if less.By != "" && more.Max < less.Max {
			t.Fatalf("the limit sinks by one object more, from %+v to %+v", less, more)
		}
	}
}

type answer struct {
	right   string
	granted bool
	longest int // the length of the prefix that decides
}

var (
	someHosts     = []string{"*", "app.example", "*.app.example", "{namespace}.apps.example", "*.{namespace}.apps.example"}
	someIDs       = []string{"legacy-", "{namespace}_", "shop", "Web."}
	someResources = []string{"https://", "https://shop.api.example", "https://{namespace}.api.example", "https://shop.api.example/v1", "https://api.example/{namespace}/"}
)

func anyObject(random *rand.Rand, name string) v1alpha1.NamespaceAccess {
	some := func(of []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(string) bool { return random.IntN(2) == 0 })
	}
	yes := func() bool { return random.IntN(2) == 0 }
	o := object(name)
	switch random.IntN(3) {
	case 0:
		forSame(&o)
	case 1:
		forLabel("tier", "gold")(&o)
	}
	if yes() {
		toClients(v1alpha1.ClientAccess{RedirectHosts: some(someHosts), ClientIDPrefixes: some(someIDs), Trusted: yes(), PKCEOptional: yes(), Orphan: yes()})(&o)
	}
	if yes() {
		toResources(some(someResources)...)(&o)
	}
	if yes() {
		limit(int32(random.IntN(4)), int32(random.IntN(4)))(&o)
	}
	return o
}

// asked asks everything that can be asked.
func asked(s Server, ns *corev1.Namespace) []answer {
	r := s.For(ns)
	hosts := []string{"app.example", "a.app.example", "shop.apps.example", "x.shop.apps.example", "any.example"}
	out := []answer{{"clients", r.Clients(), 0}, {"orphan", r.Orphan(), 0}, {"names " + strings.Join(r.Names(), " "), false, 0}}
	for i, host := range hosts {
		out = append(out, answer{"host " + host, r.RedirectHost(host), 0},
			answer{"trusted", r.Trusted(hosts[i:]), 0}, answer{"pkce", r.PKCEOptional(hosts[:i]), 0})
	}
	for _, id := range []string{"shop.a", "evil.a", "legacy-a", "shop-a", "shop-a.b", "Web.a"} {
		out = append(out, answer{"id " + id, r.ClientID(id), 0})
	}
	for _, resource := range []string{"https://shop.api.example", "https://shop.api.example/v1/x", "https://evil.api.example", "https://api.example/shop/x", "https://any.example"} {
		d := s.Declare(resource, ns)
		length, _ := covering(cmp.Or(d.Prefix, "none:"), resource)
		out = append(out, answer{"resource " + resource, d.May, length})
	}
	return out
}

func TestNamesAreEight(t *testing.T) {
	var all []v1alpha1.NamespaceAccess
	for i := range 10 {
		all = append(all, object(string(rune('j'-i)), toHosts("*")))
	}
	all = append(all, object("0", toResources("https://a.example")))
	if got := strings.Join(rightsOf(namespace("shop"), all...).Names(), ""); got != "abcdefgh" {
		t.Errorf("names are %q", got)
	}
}

func TestWhatAChangeTouches(t *testing.T) {
	base := object("a", toHosts("a.example"), toResources("https://a.example"), limit(1, 1))
	for _, tc := range []struct {
		name               string
		change             change
		clients, resources bool
	}{
		{"nothing", func(*v1alpha1.NamespaceAccess) {}, false, false},
		{"a label", func(o *v1alpha1.NamespaceAccess) { o.Labels = map[string]string{"a": "b"} }, false, false},
		{"hosts", toHosts("b.example"), true, false},
		{"quota", limit(2, 1), true, false},
		{"resources", toResources("https://b.example"), false, true},
		{"namespaces", forLabel("tier", "gold"), true, true},
		{"server", func(o *v1alpha1.NamespaceAccess) { o.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "b"} }, true, true},
		{"the same server", func(o *v1alpha1.NamespaceAccess) { o.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "default"} }, false, false},
	} {
		after := base.DeepCopy()
		tc.change(after)
		if TouchesClients(&base, after) != tc.clients || TouchesResources(&base, after) != tc.resources {
			t.Errorf("%s: clients %v, resources %v", tc.name, TouchesClients(&base, after), TouchesResources(&base, after))
		}
	}
}
