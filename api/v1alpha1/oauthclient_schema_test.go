package v1alpha1_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestOAuthClientSchema(t *testing.T) {
	const code = "grantTypes: [authorization_code]\nredirectURIs: ['https://app.example/cb']\n"
	keys := []string{"spec.credentials.template.keys", "the keys must differ from each other"}
	resource := []string{"spec.resources[0]", "absolute URI without a fragment"}
	checkCreate(t, "OAuthClient", []rule{
		{"empty", "{}", nil},
		{"no spec", "", nil},
		{"full", `
serverRef: {name: default, namespace: clientele-system}
clientID: shop.checkout
grantTypes: [client_credentials]
authMethod: client_secret_post
scopes: ["orders:read", "orders:write"]
resources: ["https://orders.shop.example", "urn:example:orders"]
tokens: {accessTokenLifetime: 5m}
credentials:
  secretName: checkout
  template: {labels: {a: b}, annotations: {c: d}, keys: {clientID: CLIENT_ID, clientSecret: CLIENT_SECRET}}
  rotateEvery: 720h
  overlap: 0s
deletionPolicy: Orphan
disabled: true`, nil},
		{"B14 users", code + "users: {allow: [{groups: [sales, support], roles: [lead]}, {roles: [admin]}, {groups: [board]}]}", nil},
		{"B14 users with the most entries", code + "users: {allow: " + names(16, func(i int) string { return "{groups: [g" + word(i) + "]}" }) + "}", nil},
		{"B14 users without a list", code + "users: {}", []string{"spec.users.allow", "Required"}},
		{"B14 users with an empty list", code + "users: {allow: []}", []string{"spec.users.allow", "must have at least one entry"}},
		{"B14 users with an empty entry", code + "users: {allow: [{roles: [admin]}, {}]}", []string{"spec.users.allow[1]", "must have groups or roles"}},
		{"B14 users with empty groups", code + "users: {allow: [{groups: []}]}", []string{"spec.users.allow[0].groups", "at least 1"}},
		{"B14 users with an empty name", code + "users: {allow: [{roles: ['']}]}", []string{"spec.users.allow[0].roles[0]", "at least 1"}},
		{"B14 users with a group twice", code + "users: {allow: [{groups: [a, a]}]}", []string{"spec.users.allow[0].groups[1]", "Duplicate"}},
		{"B14 users with too many entries", code + "users: {allow: " + names(17, func(i int) string { return "{groups: [g" + word(i) + "]}" }) + "}", []string{"spec.users.allow", "16"}},
		{"B14 users of a client for itself", "users: {allow: [{groups: [sales]}]}", []string{"users is for authorization_code"}},
		{"serverRef without name", "serverRef: {namespace: a}", []string{"spec.serverRef.name", "Required"}},
		{"serverRef in capitals", "serverRef: {name: Default}", []string{"spec.serverRef.name", "should match"}},
		{"serverRef with a slash", "serverRef: {name: a/b}", []string{"spec.serverRef.name", "should match"}},
		{"serverRef in a namespace with a dot", "serverRef: {name: a, namespace: a.b}", []string{"spec.serverRef.namespace", "should match"}},
		{"serverRef with a dot", "serverRef: {name: a.b, namespace: c-d}", nil},
		{"resource of the API server", "resources: ['https://kubernetes.default.svc']", []string{"spec.resources[0]", "is reserved"}},
		{"resource of the API server, in full", "resources: ['https://a.example', 'https://kubernetes.default.svc.cluster.local']", []string{"spec.resources[1]", "is reserved"}},
		{"resource with the API server's name behind", "resources: ['https://a.example/https://kubernetes.default.svc']", nil},
		{"serverRef with a long name", "serverRef: {name: " + strings.Repeat("a", 64) + "}", []string{"spec.serverRef.name", "63"}},
		{"client id with a slash", "clientID: a/b", []string{"spec.clientID", "A-Za-z0-9._~-"}},
		{"client id too long", "clientID: " + strings.Repeat("a", 256), []string{"spec.clientID", "255"}},
		{"no grant type", "grantTypes: []", []string{"spec.grantTypes", "at least 1"}},
		{"unknown grant type", "grantTypes: [password]", []string{"spec.grantTypes[0]", `"client_credentials"`}},
		{"unknown authMethod", "authMethod: password", []string{"spec.authMethod", `"client_secret_basic", "client_secret_post", "none"`}},
		{"as many scopes as may be", "scopes: " + names(100, word), nil},
		{"too many scopes", "scopes: " + names(101, word), []string{"spec.scopes", "100"}},
		{"scope with a space", "scopes: ['a b']", []string{"spec.scopes[0]"}},
		{"scope with a quote", `scopes: ['a"b']`, []string{"spec.scopes[0]"}},
		{"scope twice", "scopes: [a, a]", []string{"spec.scopes[1]", "Duplicate"}},
		{"scope too long", "scopes: [" + strings.Repeat("a", 129) + "]", []string{"spec.scopes[0]", "128"}},
		{"resource that is no URI", "resources: [orders]", resource},
		{"resource that is a path", "resources: [/orders]", resource},
		{"resource with a fragment", "resources: ['https://a.example#b']", resource},
		{"resource with a space", "resources: ['https://a.example/a b']", resource},
		{"resource with capitals in the scheme", "resources: ['HTTPS://a.example']", resource},
		{"resource with every character a URI may have", "resources: [\"https://a.example/-._~:/?[]@!$&'()*+,;=%41Az09\"]", nil},
		{"resource twice", "resources: ['urn:a:b', 'urn:c:d', 'urn:a:b']", []string{"spec.resources", "must not list a resource twice"}},
		{"too many resources", "resources: " + names(17, func(i int) string { return "'urn:a:" + word(i) + "'" }), []string{"spec.resources", "16"}},
		{"lifetime too short", "tokens: {accessTokenLifetime: 59s}", []string{"spec.tokens.accessTokenLifetime", "between 1m and 24h"}},
		{"lifetime too long", "tokens: {accessTokenLifetime: 24h1s}", []string{"spec.tokens.accessTokenLifetime", "between 1m and 24h"}},
		{"lifetime that is none", "tokens: {accessTokenLifetime: soon}", []string{"spec.tokens.accessTokenLifetime", "a duration in h, m and s"}},
		{"secretName in capitals", "credentials: {secretName: Checkout}", []string{"spec.credentials.secretName", "a-z0-9"}},
		{"label of ours", "credentials: {template: {labels: {oauth.clientele.dev/owner: x}}}", []string{"spec.credentials.template.labels", "the operator's own"}},
		{"annotation of ours", "credentials: {template: {annotations: {oauth.clientele.dev/owner: x}}}", []string{"spec.credentials.template.annotations", "the operator's own"}},
		{"K4: labels and annotations", "credentials: {template: {labels: {team: team-a, app.kubernetes.io/part-of: '', x: 'A_b.1'}, annotations: {example.com/note: 'Team A: ü'}}}", nil},
		{"K4: label with a space", "credentials: {template: {labels: {team: 'Team A'}}}", []string{"spec.credentials.template.labels[team]", "a label's value must be at most 63"}},
		{"K4: label that ends with a dot", "credentials: {template: {labels: {team: 'a.'}}}", []string{"spec.credentials.template.labels[team]", "begin and end with a letter or digit"}},
		{"K4: label too long", "credentials: {template: {labels: {team: " + strings.Repeat("a", 64) + "}}}", []string{"spec.credentials.template.labels.team", "63"}},
		{"K4: label key with a space", "credentials: {template: {labels: {'the team': a}}}", []string{"spec.credentials.template.labels", "a label's key must be"}},
		{"K4: label key with two slashes", "credentials: {template: {labels: {a/b/c: a}}}", []string{"spec.credentials.template.labels", "a label's key must be"}},
		{"K4: label key with a prefix in capitals", "credentials: {template: {labels: {Example.com/a: a}}}", []string{"spec.credentials.template.labels", "a label's key must be"}},
		{"K4: label key too long", "credentials: {template: {labels: {" + strings.Repeat("a", 64) + ": a}}}", []string{"spec.credentials.template.labels", "a label's key must be"}},
		{"K4: label key with a prefix too long", "credentials: {template: {labels: {" + strings.Repeat("a", 254) + "/a: a}}}", []string{"spec.credentials.template.labels", "a label's key must be"}},
		{"K4: annotation key with a space", "credentials: {template: {annotations: {'the team': a}}}", []string{"spec.credentials.template.annotations", "an annotation's key must be"}},
		{"K4: annotation too long", "credentials: {template: {annotations: {a: " + strings.Repeat("a", 1025) + "}}}", []string{"spec.credentials.template.annotations.a", "1024"}},
		{"K3: rotated faster than the overlap", "credentials: {rotateEvery: 2h, overlap: 2h}", []string{"spec.credentials", "overlap (24h unless it is set) must be shorter than rotateEvery"}},
		{"K3: rotated faster than the default overlap", "credentials: {rotateEvery: 1h}", []string{"spec.credentials", "overlap (24h unless it is set) must be shorter than rotateEvery"}},
		{"K3: rotated after the overlap", "credentials: {rotateEvery: 1h, overlap: 59m}", nil},
		{"K3: rotated after the default overlap", "credentials: {rotateEvery: 25h}", nil},
		{"keys swapped", "credentials: {template: {keys: {clientID: client_secret, clientSecret: client_id}}}", nil},
		{"two keys of one name", "credentials: {template: {keys: {clientID: a, clientSecret: a}}}", keys},
		{"a key of another's default name", "credentials: {template: {keys: {issuer: client_id}}}", keys},
		{"a key no Secret can have", "credentials: {template: {keys: {clientID: a/b}}}", []string{"spec.credentials.template.keys.clientID"}},
		{"rotateEvery too short", "credentials: {rotateEvery: 59s}", []string{"spec.credentials.rotateEvery", "between 1m and 87600h"}},
		{"overlap too long", "credentials: {overlap: 8761h}", []string{"spec.credentials.overlap", "between 0s and 8760h"}},
		{"unknown deletionPolicy", "deletionPolicy: Keep", []string{"spec.deletionPolicy", `"Delete", "Orphan"`}},
	})
}

func TestOAuthClientImmutable(t *testing.T) {
	clientID := []string{"spec", "clientID is immutable"}
	serverRef := []string{"serverRef is immutable"}
	checkUpdate(t, "OAuthClient", []change{
		{"clientID changed", "clientID: a", "clientID: b", clientID},
		{"clientID set", "{}", "clientID: b", clientID},
		{"clientID removed", "clientID: a", "{}", clientID},
		{"serverRef changed", "serverRef: {name: a}", "serverRef: {name: b}", serverRef},
		{"serverRef gets a namespace", "serverRef: {name: a}", "serverRef: {name: a, namespace: b}", serverRef},
		{"serverRef set", "{}", "serverRef: {name: b}", serverRef},
		{"serverRef written out", "{}", "serverRef: {name: default}", nil},
		{"serverRef written out in full before it was resolved", "{}", "serverRef: {name: default, namespace: a}", serverRef},
		{"serverRef left out again", "serverRef: {name: default}", "{}", nil},
		{"serverRef loses its namespace", "serverRef: {name: a, namespace: b}", "serverRef: {name: a}", serverRef},
		{"serverRef in another namespace", "serverRef: {name: a, namespace: b}", "serverRef: {name: a, namespace: c}", serverRef},
		{"serverRef removed", "serverRef: {name: a}", "{}", serverRef},
		{"the same again", "{clientID: a, serverRef: {name: a}}", "{clientID: a, serverRef: {name: a}}", nil},
		{"everything else", "clientID: a", "{clientID: a, scopes: [x], disabled: true, deletionPolicy: Orphan, credentials: {secretName: x}}", nil},
	})
}

// serverRef may be written out once the operator has said what it is resolved to.
func TestServerRefWrittenOut(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	ns := testenv.Namespace(t)
	resolved := map[string]any{"serverRef": map[string]any{"name": "default", "namespace": "clientele-system"}}
	for kind, spec := range map[string]func(...string) string{
		"OAuthClient": func(fields ...string) string { return "scopes: [a]\n" + strings.Join(fields, "\n") },
		"ScopePolicy": policySpec,
	} {
		obj := object(t, kind, ns, "x", spec())
		check(t, c.Create(t.Context(), obj), nil)
		obj.Object["status"] = resolved
		check(t, c.Status().Update(t.Context(), obj), nil)
		for ref, want := range map[string][]string{
			"serverRef: {name: default, namespace: clientele-system}": nil,
			"serverRef: {name: default}":                              nil,
			"serverRef: {name: default, namespace: other}":            {"its namespace may be added later only as status.serverRef has it"},
			"serverRef: {name: other, namespace: clientele-system}":   {"it must go on naming the same AuthorizationServer"},
		} {
			t.Run(kind+" "+ref, func(t *testing.T) {
				changed := obj.DeepCopy()
				setSpec(t, changed, spec(ref))
				check(t, c.Update(t.Context(), changed, client.DryRunAll), want)
			})
		}
	}
}

func TestOAuthClientName(t *testing.T) {
	c := testenv.Client(t)
	ns := testenv.Namespace(t)
	check(t, c.Create(t.Context(), object(t, "OAuthClient", ns, strings.Repeat("a", 190), "{}")), nil)
	err := c.Create(t.Context(), object(t, "OAuthClient", ns, strings.Repeat("a", 191), "{}"))
	check(t, err, []string{"metadata.name must have at most 190 characters"})
}

// What the API server fills in must be there for a typed client too, and a
// write of what was read must change nothing (F23).
func TestF23OAuthClientDefaultsAreStable(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	ns := testenv.Namespace(t)
	oc := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "x"}}
	if err := c.Create(t.Context(), oc); err != nil {
		t.Fatal(err)
	}
	if oc.Spec.Type != v1alpha1.ClientConfidential || oc.Spec.PKCE != v1alpha1.PKCERequired || len(oc.Spec.GrantTypes) != 1 ||
		oc.Spec.DeletionPolicy != v1alpha1.DeletionPolicyDelete || oc.Spec.Credentials.Overlap == nil {
		t.Errorf("defaults are missing: %+v", oc.Spec)
	}
	// The API server stores the default of the status with the first write, unless the
	// operator was there before.
	if err := c.Update(t.Context(), oc); err != nil {
		t.Fatal(err)
	}
	before := oc.ResourceVersion
	if err := c.Update(t.Context(), oc); err != nil {
		t.Fatal(err)
	}
	if oc.ResourceVersion != before || oc.Generation != 1 {
		t.Error("writing what was read changed the object")
	}
}
