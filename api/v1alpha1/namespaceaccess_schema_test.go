package v1alpha1_test

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// accessTo is a NamespaceAccess's spec for every namespace, with more fields.
func accessTo(fields string) string { return "namespaces: {from: All}\n" + fields }

func TestNamespaceAccessSchema(t *testing.T) {
	hosts := func(list string) string { return accessTo("clients: {redirectHosts: [" + list + "]}") }
	host := []string{"spec.clients.redirectHosts[0]", "a host name in lower case without scheme, port or path"}
	ids := func(list string) string { return accessTo("clients: {clientIDPrefixes: [" + list + "]}") }
	prefixes := func(list string) string { return accessTo("resources: {prefixes: [" + list + "]}") }
	uri := []string{"spec.resources.prefixes[0]", "an absolute URI without a fragment"}
	unknown := []string{"selector must be set if, and only if, from is Selector"}
	checkCreate(t, "NamespaceAccess", []rule{
		{"least", accessTo(""), nil},
		{"all sections, empty", accessTo("clients: {}\nresources: {}\nquota: {}"), nil},
		{"no namespaces", "clients: {}", []string{"spec.namespaces", "Required"}},
		{"namespaces by selector", "namespaces: {from: Selector, selector: {matchLabels: {a: b}}}", nil},
		{"selector missing", "namespaces: {from: Selector}", unknown},
		{"selector beside All", accessTo("") + "\nnamespaces: {from: All, selector: {}}", unknown},
		{"unknown from", "namespaces: {from: Some}", []string{"spec.namespaces.from", `"Same", "All", "Selector"`}},
		{"server", accessTo("serverRef: {name: second.one}"), nil},
		{"server of no name", accessTo("serverRef: {}"), []string{"spec.serverRef.name", "Required"}},
		{"server that cannot be", accessTo("serverRef: {name: Second}"), []string{"spec.serverRef.name"}},

		{"redirectHosts", hosts("app.example, '*.app.example', localhost, 127.0.0.1, '[::1]', 'com.example.app:', 'cursor:'"), nil},
		{"S13 scheme below the namespace", hosts("'{namespace}:'"), host},
		{"S13 schemes by a wildcard", hosts("'*.example:'"), host},
		{"every redirect host", hosts("'*'"), nil},
		{"no redirect host", hosts(""), nil},
		{"redirect host with the namespace", hosts("'{namespace}.apps.example', '*.{namespace}.apps.example', 'a-{namespace}-b.apps.example'"), nil},
		{"redirect host with a scheme", hosts("'https://a.example'"), host},
		{"redirect host with a port", hosts("'a.example:1'"), host},
		{"redirect host with a path", hosts("a.example/b"), host},
		{"redirect host with a star inside", hosts("'a.*.example'"), host},
		{"redirect host with two stars", hosts("'*.*.example'"), host},
		{"redirect host in capitals", hosts("App.example"), host},
		{"redirect host with another template", hosts("'{name}.apps.example'"), host},
		{"redirect host with half a template", hosts("'{namespace.apps.example'"), host},
		{"namespace as top-level domain", hosts("'apps.{namespace}'"), []string{"spec.clients.redirectHosts[0]", "must not be in the last label"}},
		{"everything below a top-level domain", hosts("'*.{namespace}'"), []string{"spec.clients.redirectHosts[0]", "must not be in the last label"}},
		{"redirect host twice", hosts("a.example, a.example"), []string{"spec.clients.redirectHosts[1]", "Duplicate"}},
		{"too many redirect hosts", hosts(names(33, word)[1 : len(names(33, word))-1]), []string{"spec.clients.redirectHosts", "32"}},

		{"client id prefixes", ids("legacy-, Web., '{namespace}_', 'Web-{namespace}.', a_b.c"), nil},
		{"S13 template whose name could go on", ids("'{namespace}-'"), []string{"spec.clients.clientIDPrefixes[0]", "must follow {namespace}"}},
		{"S13 template whose name could go on, at the end", ids("'Web-{namespace}'"), []string{"spec.clients.clientIDPrefixes[0]", "must follow {namespace}"}},
		{"S13 template whose name could go on, twice", ids("'Web-{namespace}{namespace}_'"), []string{"spec.clients.clientIDPrefixes[0]", "must follow {namespace}"}},
		{"client id prefix with a slash", ids("a/b"), []string{"spec.clients.clientIDPrefixes[0]", "of the characters"}},
		{"client id prefix with another template", ids("'{name}-'"), []string{"spec.clients.clientIDPrefixes[0]", "of the characters"}},
		{"S13 prefix of a namespace's ids", ids("shop."), []string{"spec.clients.clientIDPrefixes[0]", "must not read like <namespace>."}},
		{"S13 prefix of a namespace's id", ids("shop.checkout-"), []string{"spec.clients.clientIDPrefixes[0]", "must not read like <namespace>."}},
		{"S13 prefix of a neighbour's ids", ids("'{namespace}-2.'"), []string{"spec.clients.clientIDPrefixes[0]", "must not read like <namespace>."}},
		{"client id prefix twice", ids("a, a"), []string{"spec.clients.clientIDPrefixes[1]", "Duplicate"}},
		{"client id prefix of nothing", ids("''"), []string{"spec.clients.clientIDPrefixes[0]", "at least 1"}},
		{"too many client id prefixes", ids(names(17, word)[1 : len(names(17, word))-1]), []string{"spec.clients.clientIDPrefixes", "16"}},

		{"switches", accessTo("clients: {trusted: true, pkceOptional: true, orphan: true}"), nil},
		{"switch of another kind", accessTo("clients: {trusted: maybe}"), []string{"spec.clients.trusted"}},

		{"prefixes", prefixes("'https://api.example.com', 'urn:example:', 'https://'"), nil},
		{"no prefix", prefixes(""), nil},
		{"prefix with the namespace", prefixes("'https://{namespace}.api.example', 'https://api.example/{namespace}', 'urn:x:{namespace}/'"), nil},
		{"prefix that is no URI", prefixes("api.example.com"), uri},
		{"prefix with a fragment", prefixes("'https://a.example#b'"), uri},
		{"prefix with a star", prefixes("'*'"), uri},
		{"prefix with another template", prefixes("'https://{name}.example'"), uri},
		{"prefix whose scheme is the namespace", prefixes("'{namespace}://a.example'"), uri},
		{"prefix of nothing but a scheme", prefixes("'https:'"), uri},
		{"prefix with its host in capitals", prefixes("'https://API.example'"), []string{"spec.resources.prefixes[0]", "host of a prefix must be in lower case"}},
		{"prefix with its path in capitals", prefixes("'https://api.example/A'"), nil},
		{"reserved prefix", prefixes("'https://kubernetes.default.svc'"), []string{"spec.resources.prefixes[0]", "reserved"}},
		{"reserved prefix, in full", prefixes("'https://kubernetes.default.svc.cluster.local/a'"), []string{"spec.resources.prefixes[0]", "reserved"}},
		{"prefix twice", prefixes("'urn:a:b', 'urn:a:b'"), []string{"spec.resources.prefixes[1]", "Duplicate"}},
		{"too many prefixes", prefixes(quoted(65)), []string{"spec.resources.prefixes", "64"}},

		{"quota", accessTo("quota: {clients: 0, redirectURIs: 1000000}"), nil},
		{"negative quota", accessTo("quota: {clients: -1}"), []string{"spec.quota.clients", "greater than or equal to 0"}},
		{"quota beyond all", accessTo("quota: {redirectURIs: 1000001}"), []string{"spec.quota.redirectURIs", "less than or equal to 1000000"}},
	})
}

// quoted makes n different resources.
func quoted(n int) string {
	list := names(n, func(i int) string { return "'urn:a:" + word(i) + "'" })
	return list[1 : len(list)-1]
}

// Absent gives nothing, so that nothing may be filled in that would be stored.
func TestNamespaceAccessHasNoPersistedDefaults(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	obj := object(t, "NamespaceAccess", testenv.Namespace(t), "x", accessTo("clients: {}\nresources: {}\nquota: {}"))
	want := obj.DeepCopy().Object["spec"]
	if err := c.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, obj.Object["spec"]); diff != "" {
		t.Error(diff)
	}
	// K2: before the operator has seen it, it does not look done.
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(map[string]any{"observedGeneration": int64(-1)}), obj.Object["status"]); diff != "" {
		t.Error(diff)
	}
}
