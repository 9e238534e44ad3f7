package v1alpha1_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// webApp is the spec of a client that acts for users, with more fields.
func webApp(fields ...string) string {
	return "grantTypes: [authorization_code, refresh_token]\nredirectURIs: ['https://app.example/callback']\n" + strings.Join(fields, "\n")
}

func redirect(uri string) string {
	return "grantTypes: [authorization_code]\nredirectURIs: ['" + uri + "']"
}

func TestOAuthClientForUsers(t *testing.T) {
	method := []string{"spec", "authMethod must be none, or absent, for type Public"}
	kind := []string{"spec.redirectURIs[0]", "must be https, http on 127.0.0.1"}
	chars := []string{"spec.redirectURIs[0]", "no fragment and no character"}
	checkCreate(t, "OAuthClient", []rule{
		{"least", webApp(), nil},
		{"full", webApp(`
type: Confidential
displayName: The shop
description: Sells things.
homepageURL: https://app.example/#about
logoURL: https://app.example/logo.png?v=2
policyURL: https://app.example/legal#privacy
termsOfServiceURL: https://app.example/legal#terms
postLogoutRedirectURIs: ['https://app.example/bye']
pkce: Optional
authMethod: client_secret_post
tokens: {accessTokenLifetime: 5m, refreshTokenLifetime: 24h, refreshTokenIdleLifetime: 1h}`), nil},
		{"public", webApp("type: Public"), nil},
		{"public, authMethod said", webApp("type: Public", "authMethod: none"), nil},
		{"for itself and for users", "grantTypes: [client_credentials, authorization_code]\nredirectURIs: ['https://a.example/']", nil},
		{"unknown type", webApp("type: Hidden"), []string{"spec.type", `"Confidential", "Public"`}},
		{"public with a secret", webApp("type: Public", "authMethod: client_secret_basic"), method},
		{"confidential without one", webApp("authMethod: none"), method},
		{"public for itself", "type: Public\ngrantTypes: [client_credentials]", []string{"spec", "must not list client_credentials for type Public"}},
		{"public, grantTypes forgotten", "type: Public", []string{"spec", "list authorization_code"}},
		{"refresh alone", "grantTypes: [refresh_token]", []string{"spec", "must list authorization_code beside refresh_token"}},
		{"code without a redirect URI", "grantTypes: [authorization_code]", []string{"spec", "redirectURIs must list at least one"}},
		{"redirect URI without code", "redirectURIs: ['https://a.example/']", []string{"spec", "redirectURIs are for authorization_code"}},
		{"as many redirect URIs as may be", "grantTypes: [authorization_code]\nredirectURIs: " + names(32, func(i int) string { return "'https://a.example/" + word(i) + "'" }), nil},
		{"too many", "grantTypes: [authorization_code]\nredirectURIs: " + names(33, func(i int) string { return "'https://a.example/" + word(i) + "'" }), []string{"spec.redirectURIs", "32"}},
		{"too long", redirect("https://a.example/" + strings.Repeat("a", 1024)), []string{"spec.redirectURIs[0]", "1024"}},
		{"loopback", redirect("http://127.0.0.1/callback"), nil},
		{"loopback IPv6 with a port", redirect("http://[::1]:1234/callback"), nil},
		{"localhost", redirect("http://localhost:1234"), nil},
		{"private-use scheme", redirect("com.example.app:/callback"), nil},
		{"private-use scheme without a period", redirect("cursor://anysphere.cursor-mcp/oauth/callback"), nil},
		{"private-use scheme, opaque", redirect("cursor:callback"), kind},
		{"A1: javascript with slashes", redirect("javascript://a/%0aalert(1)"), kind},
		{"A1: file", redirect("file:///etc/passwd"), kind},
		{"A1: a scheme of Windows", redirect("ms-msdt:/id"), kind},
		{"A1: http elsewhere", redirect("http://app.example/callback"), kind},
		{"A1: localhost.evil", redirect("http://localhost.evil.example/"), kind},
		{"A1: a scheme without a period", redirect("javascript:alert(1)"), kind},
		{"A1: upper case", redirect("HTTPS://app.example/"), kind},
		{"A1: no host", redirect("https:///callback"), kind},
		{"A1: fragment", redirect("https://app.example/#a"), chars},
		{"A1: backslash", redirect("https://app.example/\\a"), chars},
		{"A1: space", redirect("https://app.example/a b"), chars},
		{"post-logout elsewhere over http", webApp("postLogoutRedirectURIs: ['http://app.example/']"), []string{"spec.postLogoutRedirectURIs[0]", "must be https"}},
		{"displayName too long", webApp("displayName: " + strings.Repeat("a", 201)), []string{"spec.displayName", "200"}},
		{"A8: logo over http", webApp("logoURL: 'http://app.example/logo.png'"), []string{"spec.logoURL", "must be an https URL"}},
		{"A9: logo in itself", webApp("logoURL: 'data:image/png;base64,AAAA'"), []string{"spec.logoURL", "must be an https URL"}},
		{"logo with a fragment", webApp("logoURL: 'https://app.example/logo.png#x'"), []string{"spec.logoURL", "without a fragment"}},
		{"logo too long", webApp("logoURL: https://a.example/" + strings.Repeat("a", 1024)), []string{"spec.logoURL", "1024"}},
		{"A9: policy of a script", webApp("policyURL: 'javascript:alert(1)'"), []string{"spec.policyURL", "must be an https URL"}},
		{"policy over http", webApp("policyURL: 'http://app.example/privacy'"), []string{"spec.policyURL", "must be an https URL"}},
		{"A9: terms of a script", webApp("termsOfServiceURL: 'javascript:alert(1)'"), []string{"spec.termsOfServiceURL", "must be an https URL"}},
		{"A9: terms that break out", webApp("termsOfServiceURL: 'https://a.example/\"x'"), []string{"spec.termsOfServiceURL", "must be an https URL"}},
		{"A9: homepage of a script", webApp("homepageURL: 'javascript:alert(1)'"), []string{"spec.homepageURL", "must be an https or http URL"}},
		{"unknown pkce", webApp("pkce: Never"), []string{"spec.pkce", `"Required", "Optional"`}},
		{"public without PKCE", webApp("type: Public", "pkce: Optional"), []string{"spec", "pkce may be Optional only for type Confidential"}},
		{"PKCE of no use", "pkce: Optional", []string{"spec", "with authorization_code in grantTypes"}},
		{"refresh lifetime too long", webApp("tokens: {refreshTokenLifetime: 8761h}"), []string{"spec.tokens.refreshTokenLifetime", "between 1m and 8760h"}},
		{"idle lifetime too short", webApp("tokens: {refreshTokenIdleLifetime: 1s}"), []string{"spec.tokens.refreshTokenIdleLifetime", "between 1m and 8760h"}},
		{"idle longer than all", webApp("tokens: {refreshTokenLifetime: 1h, refreshTokenIdleLifetime: 2h}"), []string{"spec.tokens", "refreshTokenIdleLifetime must not be longer"}},
		{"refresh lifetime without refreshing", "tokens: {refreshTokenLifetime: 1h}", []string{"spec", "add refresh_token to grantTypes"}},
		{"no limit, no refreshing", "tokens: {}", nil},
		{"public with rotation", webApp("type: Public", "credentials: {rotateEvery: 24h}"), []string{"spec", "credentials.rotateEvery is for type Confidential"}},
	})
}

func TestAuthorizationServerForUsers(t *testing.T) {
	lockout := func(fields string) string {
		return server("users: {local: {secretRef: {name: default-users}}, lockout: {" + fields + "}}")
	}
	corp := func(allow string) string {
		return server("users: {upstreams: [{name: corp, issuer: 'https://login.example', clientID: x, allow: {" + allow + "}}]}")
	}
	up := func(fields string) string { return server("users: {upstreams: [{" + fields + "}]}") }
	checkCreate(t, "AuthorizationServer", []rule{
		{"registration", server("registration: {mode: Open, maxClients: 5, perAddressMinute: 1, perAddressDay: 2, perMinute: 3, unusedFor: 1h, idleFor: 720h}"), nil},
		{"privateUseSchemes", server("registration: {privateUseSchemes: [cursor, code-insiders]}"), nil},
		{"private-use scheme in capitals", server("registration: {privateUseSchemes: [Cursor]}"), []string{"spec.registration.privateUseSchemes[0]", "a-z0-9-"}},
		{"private-use scheme with its colon", server("registration: {privateUseSchemes: ['cursor:']}"), []string{"spec.registration.privateUseSchemes[0]", "a-z0-9-"}},
		{"private-use scheme with a period", server("registration: {privateUseSchemes: [com.example.app]}"), []string{"spec.registration.privateUseSchemes[0]", "a-z0-9-"}},
		{"too many private-use schemes", server("registration: {privateUseSchemes: " + names(17, word) + "}"), []string{"spec.registration.privateUseSchemes", "16"}},
		{"unknown registration", server("registration: {mode: Anybody}"), []string{"spec.registration.mode", `"Disabled", "Authenticated", "Open"`}},
		{"no registration at all", server("registration: {mode: Open, maxClients: 0}"), []string{"spec.registration.maxClients", "greater than or equal to 1"}},
		{"unusedFor too short", server("registration: {unusedFor: 1s}"), []string{"spec.registration.unusedFor", "between 1m and 8760h"}},
		{"tokens", server("tokens: {refreshTokenLifetime: 48h, refreshTokenIdleLifetime: 48h, codeLifetime: 30s, refreshRetryWindow: 10s}"), nil},
		{"code too long", server("tokens: {codeLifetime: 11m}"), []string{"spec.tokens.codeLifetime", "between 10s and 10m"}},
		{"retry window too long", server("tokens: {refreshRetryWindow: 6m}"), []string{"spec.tokens.refreshRetryWindow", "between 1s and 5m"}},
		{"idle longer than all", server("tokens: {refreshTokenLifetime: 1h, refreshTokenIdleLifetime: 2h}"), []string{"spec.tokens", "refreshTokenIdleLifetime must not be longer"}},
		{"sessions", server("tokens: {sessionLifetime: 168h, sessionIdleLifetime: 168h}"), nil},
		{"idle sessions, the others as by default", server("tokens: {sessionIdleLifetime: 30m}"), nil},
		{"session too short", server("tokens: {sessionLifetime: 4m59s}"), []string{"spec.tokens.sessionLifetime", "between 5m and 8760h"}},
		{"session too long", server("tokens: {sessionLifetime: 8761h}"), []string{"spec.tokens.sessionLifetime", "between 5m and 8760h"}},
		{"session in days", server("tokens: {sessionLifetime: 1d}"), []string{"spec.tokens.sessionLifetime", "a duration in h, m and s"}},
		{"idle session too short", server("tokens: {sessionIdleLifetime: 1m}"), []string{"spec.tokens.sessionIdleLifetime", "between 5m and 8760h"}},
		{"idle session too long", server("tokens: {sessionLifetime: 8760h, sessionIdleLifetime: 8761h}"), []string{"spec.tokens.sessionIdleLifetime", "between 5m and 8760h"}},
		{"idle session longer than all", server("tokens: {sessionLifetime: 1h, sessionIdleLifetime: 2h}"), []string{"spec.tokens", "sessionIdleLifetime must not be longer"}},
		{"idle session longer than the default", server("tokens: {sessionIdleLifetime: 13h}"), []string{"spec.tokens", "sessionIdleLifetime must not be longer"}},
		{"idle longer than the default", server("tokens: {refreshTokenIdleLifetime: 721h}"), []string{"spec.tokens", "refreshTokenIdleLifetime must not be longer"}},
		{"local users", server("users: {local: {secretRef: {name: default-users}}}"), nil},
		{"local users at a key", server("users: {local: {secretRef: {name: default-users, key: people.json}}}"), nil},
		{"no users", server("users: {}"), []string{"spec.users", "must have local, or at least one of upstreams"}},
		{"local users nowhere", server("users: {local: {}}"), []string{"spec.users.local.secretRef", "Required"}},
		{"users in a Secret of no name", server("users: {local: {secretRef: {name: A/b}}}"), []string{"spec.users.local.secretRef.name"}},
		{"lockout", lockout("perUserAndAddress: 5, perUser: 50, perAddress: 500, window: 1h"), nil},
		{"lockout, one of it", lockout("perUser: 10"), nil},
		{"nobody may sign in", lockout("perUserAndAddress: 0"), []string{"spec.users.lockout.perUserAndAddress", "greater than or equal to 1"}},
		{"lockout of a user everywhere by one", lockout("perUserAndAddress: 101, perAddress: 1000"), []string{"spec.users.lockout", "perUserAndAddress (10 if absent) must not exceed perUser"}},
		{"lockout of everybody by one", lockout("perAddress: 9"), []string{"spec.users.lockout", "or perAddress (100 if absent)"}},
		{"lockout for ever", lockout("window: 25h"), []string{"spec.users.lockout.window", "between 1m and 24h"}},
		{"upstream", up("name: corp, displayName: The company, issuer: 'https://login.example', clientID: x, clientSecretRef: {name: default-upstreams}, scopes: [email], userInfo: true, claims: {roles: realm_access.roles, tenant: org.id}"), nil},
		{"upstream on loopback", up("name: dev, issuer: 'http://127.0.0.1:9', clientID: x"), nil},
		{"upstream over http", up("name: corp, issuer: 'http://login.example', clientID: x"), []string{"spec.users.upstreams[0].issuer", "must be an https URL"}},
		{"upstream named local", up("name: local, issuer: 'https://login.example', clientID: x"), []string{"spec.users.upstreams[0].name", "not local"}},
		{"upstream with a slash", up("name: a/b, issuer: 'https://login.example', clientID: x"), []string{"spec.users.upstreams[0].name", "a-z 0-9 -"}},
		{"B14: upstream for some", corp("domains: [corp.example], claims: [{name: hd, values: [corp.example]}], groups: [staff], contact: it@corp.example"), nil},
		{"B14: upstream for nobody in particular", corp("contact: it@corp.example"), []string{"spec.users.upstreams[0].allow", "at least one of domains, claims and groups"}},
		{"B14: domain with an at sign", corp("domains: ['@corp.example']"), []string{"spec.users.upstreams[0].allow.domains[0]", "a host name in lower case"}},
		{"B14: domain pattern", corp("domains: ['*.corp.example']"), []string{"spec.users.upstreams[0].allow.domains[0]", "without @ or *"}},
		{"B14: no domains", corp("domains: []"), []string{"spec.users.upstreams[0].allow.domains", "at least 1"}},
		{"B14: claim without values", corp("claims: [{name: hd, values: []}]"), []string{"spec.users.upstreams[0].allow.claims[0].values", "at least 1"}},
		{"B14: claim twice", corp("claims: [{name: hd, values: [a]}, {name: hd, values: [b]}]"), []string{"spec.users.upstreams[0].allow.claims[1]", "Duplicate"}},
		{"B14: contact on two lines", corp("contact: \"a\\nb\", groups: [a]"), []string{"spec.users.upstreams[0].allow.contact"}},
		{"upstream twice", server("users: {upstreams: [{name: a, issuer: 'https://a.example', clientID: x}, {name: a, issuer: 'https://b.example', clientID: x}]}"), []string{"spec.users.upstreams[1]", "Duplicate"}},
	})
}

func TestScopePolicyForUsers(t *testing.T) {
	scope := func(fields string) string { return "resource: https://a.example\nscopes: [{name: a, " + fields + "}]" }
	checkCreate(t, "ScopePolicy", []rule{
		{"roles", scope("roles: [admin, 'head of sales']"), nil},
		{"roles for users", scope("roles: [admin], grantableTo: [Users]"), nil},
		{"roles for users and clients", scope("roles: [admin], grantableTo: [Users, Clients]"), nil},
		{"roles for clients", scope("roles: [admin], grantableTo: [Clients]"), []string{"spec.scopes[0]", "roles are for users: add Users to grantableTo"}},
		{"role with a space behind", scope("roles: ['admin ']"), []string{"spec.scopes[0].roles[0]"}},
		{"role of nothing", scope("roles: ['']"), []string{"spec.scopes[0].roles[0]"}},
		{"grantable to clients", scope("grantableTo: [Clients]"), nil},
		{"grantable to nobody", scope("grantableTo: []"), []string{"spec.scopes[0].grantableTo", "at least 1"}},
		{"grantable to whom", scope("grantableTo: [Robots]"), []string{"spec.scopes[0].grantableTo[0]", `"Users", "Clients"`}},
		{"selfRegistered", allow("{selfRegistered: true, scopes: [read]}"), nil},
		{"selfRegistered with code", allow("{selfRegistered: true, scopes: [read], grantTypes: [authorization_code]}"), nil},
		{"not selfRegistered", allow("{selfRegistered: false, namespaces: {from: Same}, scopes: [read]}"), nil},
		{"selfRegistered false and no namespaces", allow("{selfRegistered: false, scopes: [read]}"), []string{"spec.allow[0]", "namespaces must be set, unless selfRegistered is true"}},
		{"selfRegistered and namespaces", allow("{selfRegistered: true, namespaces: {from: All}, scopes: [read]}"), []string{"spec.allow[0]", "namespaces must be set, unless selfRegistered is true"}},
		{"selfRegistered and labels", allow("{selfRegistered: true, clients: {matchLabels: {a: b}}, scopes: [read]}"), []string{"spec.allow[0]", "clients must not be set where selfRegistered is true"}},
		{"selfRegistered for itself", allow("{selfRegistered: true, scopes: [read], grantTypes: [client_credentials]}"), []string{"spec.allow[0]", "must not list client_credentials where selfRegistered is true"}},
		{"resource servers", policySpec("resourceServers: [{name: api}, {namespace: other, name: api}]"), nil},
		{"resource server of no name", policySpec("resourceServers: [{namespace: other}]"), []string{"spec.resourceServers[0].name", "Required"}},
		{"resource server in capitals", policySpec("resourceServers: [{name: Api}]"), []string{"spec.resourceServers[0].name"}},
		{"too many resource servers", policySpec("resourceServers: " + names(33, func(i int) string { return "{name: " + word(i) + "}" })), []string{"spec.resourceServers", "32"}},
	})
}

// What was stored before there were users stays valid, and is written as it was.
func TestObjectsFromBeforeUsersStayValid(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	ns := testenv.Namespace(t)
	for kind, spec := range map[string]string{
		"OAuthClient":         "grantTypes: [client_credentials]\nauthMethod: client_secret_basic\nscopes: [a]\ncredentials: {overlap: 24h0m0s}\ndeletionPolicy: Delete",
		"ScopePolicy":         allow("{namespaces: {from: Same}, scopes: [read], grantTypes: [client_credentials]}"),
		"AuthorizationServer": server("signing: {accessTokenAlgorithm: ES256, rotateEvery: 2160h0m0s, jwksMaxAge: 5m0s}", "tokens: {accessTokenLifetime: 15m0s}"),
	} {
		obj := object(t, kind, ns, "x", spec)
		if err := c.Create(t.Context(), obj); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		before := obj.GetGeneration()
		setSpec(t, obj, spec)
		if err := c.Update(t.Context(), obj); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if after := obj.GetGeneration(); after != before {
			t.Errorf("%s: generation %d after the same was written again, was %d", kind, after, before)
		}
		if err := c.Delete(t.Context(), obj); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	}
}

// The API server and the server itself have one mind about schemes.
func TestA1SchemesThatMeanSomethingElse(t *testing.T) {
	rules := []rule{}
	for _, scheme := range strings.Fields("about blob chrome content data feed file filesystem ftp ftps http https intent jar javascript ldap ldaps localhost mailto resource sftp smb sms ssh tel telnet urn vbscript view-source ws wss ms-settings cursor vscode zed mss") {
		r := rule{scheme, server("registration: {privateUseSchemes: [" + scheme + "]}"), nil}
		if !oauth.ValidPrivateUseScheme(scheme) {
			r.want = []string{"spec.registration.privateUseSchemes[0]", "none that browsers or operating systems understand"}
		}
		rules = append(rules, r)
	}
	checkCreate(t, "AuthorizationServer", rules)
	rules = rules[:0]
	for _, scheme := range strings.Fields("about blob chrome content data feed file filesystem ftp ftps http https intent jar javascript ldap ldaps localhost mailto resource sftp smb sms ssh tel telnet urn vbscript view-source ws wss ms-settings cursor vscode zed mss") {
		r := rule{scheme, "type: Public\ngrantTypes: [authorization_code]\nredirectURIs: ['" + scheme + "://a/cb']", nil}
		if !oauth.ValidPrivateUseScheme(scheme) && scheme != "https" {
			r.want = []string{"spec.redirectURIs[0]", "must be https"}
		}
		rules = append(rules, r)
	}
	checkCreate(t, "OAuthClient", rules)
}
