package oauthclient

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func webApp(o *v1alpha1.OAuthClient) {
	o.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode, v1alpha1.GrantRefreshToken}
	o.Spec.RedirectURIs = []string{"https://app.example/callback"}
}

func publicApp(o *v1alpha1.OAuthClient) {
	webApp(o)
	o.Spec.Type = v1alpha1.ClientPublic
}

func keysOf(s *corev1.Secret) []string {
	var keys []string
	for k := range s.Data {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// registered reads the client at the server as its registrar.
func (op *operator) registered(oac *v1alpha1.OAuthClient) oauth.Registration {
	op.t.Helper()
	got, found, err := op.server(op.t).Read(op.t.Context(), clientID(oac))
	if err != nil || !found {
		op.t.Fatalf("client %s at the server: found %v, %v", clientID(oac), found, err)
	}
	return got.Registration
}

func TestDesiredForUsers(t *testing.T) {
	hour := &metav1.Duration{Duration: time.Hour}
	oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app", UID: "uid"}}
	webApp(oac)
	oac.Spec.DisplayName, oac.Spec.Description, oac.Spec.HomepageURL = "The app", "Does things.", "https://app.example/"
	oac.Spec.LogoURL, oac.Spec.PolicyURL, oac.Spec.TermsOfServiceURL = "https://app.example/logo.png", "https://app.example/privacy", "https://app.example/terms"
	oac.Spec.PostLogoutRedirectURIs = []string{"https://app.example/bye"}
	oac.Spec.PKCE = v1alpha1.PKCEOptional
	oac.Spec.Users = &v1alpha1.ClientUsers{Allow: []v1alpha1.AllowedUsers{{Groups: []string{"sales"}}}}
	oac.Spec.Tokens = &v1alpha1.ClientTokens{RefreshTokenLifetime: hour, RefreshTokenIdleLifetime: hour}
	p := &pass{client: oac, rights: given(v1alpha1.NamespaceAccessSpec{
		Clients: &v1alpha1.ClientAccess{RedirectHosts: []string{"app.example"}, Trusted: true, PKCEOptional: true},
	}), hosts: redirectHosts(oac, &v1alpha1.AuthorizationServer{})}
	rec := newRecord(oac, time.Unix(1_800_000_000, 0))
	got := p.desired(rec)
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	want := oauth.Registration{
		ClientID: "ns.app", ClientName: "The app", Description: "Does things.", ClientURI: "https://app.example/",
		LogoURI: "https://app.example/logo.png", PolicyURI: "https://app.example/privacy", TOSURI: "https://app.example/terms",
		GrantTypes:              []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		TokenEndpointAuthMethod: oauth.AuthClientSecretBasic,
		RedirectURIs:            []string{"https://app.example/callback"},
		PostLogoutRedirectURIs:  []string{"https://app.example/bye"},
		Managed: &oauth.Managed{
			Owner: oauth.Owner{Namespace: "ns", Name: "app", UID: "uid"}, Counter: 1,
			SecretHashes: rec.hashes(), RegistrationTokenHash: hashOf(rec.Token),
			RefreshTokenLifetime: 3600, RefreshTokenIdleLifetime: 3600, Trusted: true, PKCEOptional: true,
			AllowedUsers: []oauth.AllowedUsers{{Groups: []string{"sales"}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// What is about users does not reach a client that acts for itself.
	oac.Spec = v1alpha1.OAuthClientSpec{GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}, PKCE: v1alpha1.PKCEOptional}
	if m := p.desired(rec).Managed; m.Trusted || m.PKCEOptional {
		t.Errorf("a client without users is %+v", m)
	}
	publicApp(oac)
	oac.Spec.PKCE = v1alpha1.PKCEOptional
	if m := p.desired(newRecord(oac, time.Now())).Managed; m.PKCEOptional || len(m.SecretHashes) != 0 {
		t.Errorf("a public client is %+v", m)
	}
}

// What people are shown of an app follows the object, and nothing else of the
// registration changes with it.
func TestPagesOfAnApp(t *testing.T) {
	w, op, oac := registered(t, webApp)
	before := op.registered(oac)
	w.edit(oac, func() {
		oac.Spec.LogoURL, oac.Spec.PolicyURL, oac.Spec.TermsOfServiceURL = "https://app.example/l.png", "https://app.example/p", "https://app.example/t"
	})
	op.settleAccepted(oac)
	want := before
	want.LogoURI, want.PolicyURI, want.TOSURI = "https://app.example/l.png", "https://app.example/p", "https://app.example/t"
	want.Managed = nil
	got := op.registered(oac)
	got.Managed = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.edit(oac, func() { oac.Spec.LogoURL = "" })
	op.settle(keyOf(oac))
	if got := op.registered(oac); got.LogoURI != "" || got.PolicyURI == "" {
		t.Errorf("registered as %+v", got)
	}
}

func TestPublicClientHasNoSecret(t *testing.T) {
	w, op, oac := registered(t, publicApp)
	w.wantAccepted(oac)
	if diff := cmp.Diff([]string{"client_id", "issuer", "token_endpoint"}, keysOf(w.secret(w.app, "app-oauth"))); diff != "" {
		t.Error(diff)
	}
	if got := op.registered(oac); got.TokenEndpointAuthMethod != oauth.AuthNone || len(got.RedirectURIs) != 1 {
		t.Errorf("registered as %+v", got)
	}
	if s := w.get(keyOf(oac)).Status; s.SecretIssued != nil || s.PreviousSecretExpires != nil {
		t.Errorf("the status tells of a secret: %+v", s)
	}
	// There is nothing to rotate, and asking for it changes nothing.
	before := w.records()[0].ResourceVersion
	w.edit(oac, func() { oac.Annotations = map[string]string{v1alpha1.AnnotationRotateSecret: "now"} })
	op.settle(keyOf(oac))
	if after := w.records()[0].ResourceVersion; after != before {
		t.Error("a rotation without a secret wrote the registration Secret")
	}
	w.wantAccepted(oac)
}

// A secret that was handed out once is not valid again after the client was
// public in between.
func TestClientBecomesPublicAndConfidentialAgain(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	both := func(o *v1alpha1.OAuthClient) {
		webApp(o)
		o.Spec.GrantTypes = append(o.Spec.GrantTypes, v1alpha1.GrantClientCredentials)
	}
	oac := w.oauthClient("app", both)
	op.settle(keyOf(oac))
	first := w.credentials("app")
	w.wantToken(first, http.StatusOK)

	w.edit(oac, func() { publicApp(oac) })
	op.settleAccepted(oac)
	w.wantToken(first, http.StatusUnauthorized)
	if _, there := w.secret(w.app, "app-oauth").Data["client_secret"]; there {
		t.Error("the credentials Secret of a public client has a secret")
	}
	if _, there := w.records()[0].Data[keySecret]; there {
		t.Error("the registration Secret of a public client has a secret")
	}

	w.edit(oac, func() { both(oac); oac.Spec.Type = v1alpha1.ClientConfidential })
	op.settleAccepted(oac)
	w.wantToken(first, http.StatusUnauthorized)
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.wantClients(1)
}

// Whose app acts for users is told that there are none, as long as that is so.
func TestAppForUsersIsToldThatNobodyCanSignIn(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac, machine := w.oauthClient("app", webApp), w.oauthClient("machine")
	told := func(o *v1alpha1.OAuthClient) bool {
		op.settleAccepted(o)
		ready := meta.FindStatusCondition(w.get(keyOf(o)).Status.Conditions, v1alpha1.ConditionReady)
		return strings.Contains(ready.Message, "spec.users")
	}
	as := w.authorizationServer()
	w.edit(as, func() { as.Spec.Users = nil })
	if !told(oac) || told(machine) {
		t.Error("want the owner of the app for users told, and not the other one")
	}
	w.edit(as, func() {
		as.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "users"}}}
	})
	if told(oac) {
		t.Error("told that nobody can sign in where people can")
	}
}

// F32: a tenant's redirect URI to a host that is not its own; then the platform
// permits it, and then takes that back: the client is refused.
func TestF32RedirectHostAndPKCEException(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	exception := func(o *v1alpha1.OAuthClient) *metav1.Condition {
		return meta.FindStatusCondition(w.get(keyOf(o)).Status.Conditions, v1alpha1.ConditionPKCEOptional)
	}
	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"*.team.example"}})
	oac := w.oauthClient("app", webApp, func(o *v1alpha1.OAuthClient) { o.Spec.PKCE = v1alpha1.PKCEOptional })
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonRedirectHostNotAllowed)
	w.wantClients(0)

	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"app.example"}, Trusted: true})
	op.settleAccepted(oac)
	if c := exception(oac); c == nil || c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonExceptionNotAllowed {
		t.Errorf("the exception that is not permitted: %+v", c)
	}
	if m := op.registered(oac).Managed; m == nil || m.PKCEOptional || !m.Trusted {
		t.Errorf("registered as %+v", m)
	}

	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"*"}, PKCEOptional: true})
	op.settle(keyOf(oac))
	if c := exception(oac); c == nil || c.Status != metav1.ConditionTrue {
		t.Errorf("the exception that is permitted: %+v", c)
	}
	if m := op.registered(oac).Managed; m == nil || !m.PKCEOptional || m.Trusted {
		t.Errorf("registered as %+v", m)
	}
	w.edit(oac, func() { oac.Spec.PKCE = v1alpha1.PKCERequired })
	op.settle(keyOf(oac))
	if c := exception(oac); c != nil {
		t.Errorf("an exception that nobody asks for: %+v", c)
	}

	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"other.example"}})
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonRedirectHostNotAllowed)
	if m := op.registered(oac).Managed; m == nil || !m.Disabled {
		t.Errorf("registered as %+v", m)
	}
}

// A scheme without a period is the platform team's to permit, and to take back.
func TestF32PrivateUseSchemes(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	as := w.authorizationServer()
	permit := func(schemes ...string) {
		w.edit(as, func() { as.Spec.Registration.PrivateUseSchemes = schemes })
	}
	oac := w.oauthClient("editor", webApp, func(o *v1alpha1.OAuthClient) {
		o.Spec.RedirectURIs = []string{"cursor://anysphere.cursor-mcp/oauth/callback"}
	})
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec)
	w.wantClients(0)
	permit("cursor")
	op.settleAccepted(oac)
	w.wantClients(1)
	permit()
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec)
}

// B14: spec.users.allow is registered, changed and taken away again.
func TestB14AllowedUsersAreRegistered(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac := w.oauthClient("app", webApp, func(o *v1alpha1.OAuthClient) {
		o.Spec.Users = &v1alpha1.ClientUsers{Allow: []v1alpha1.AllowedUsers{{Groups: []string{"support", "sales"}, Roles: []string{"lead"}}, {Roles: []string{"admin"}}}}
	})
	op.settleAccepted(oac)
	want := []oauth.AllowedUsers{{Groups: []string{}, Roles: []string{"admin"}}, {Groups: []string{"sales", "support"}, Roles: []string{"lead"}}}
	if diff := cmp.Diff(want, op.registered(oac).Managed.AllowedUsers, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	w.edit(oac, func() { oac.Spec.Users = nil })
	op.settleAccepted(oac)
	if got := op.registered(oac).Managed.AllowedUsers; got != nil {
		t.Errorf("for everyone: %+v", got)
	}
}

func TestDecideScopeForUsers(t *testing.T) {
	const api = "https://api.example"
	set := policy.NewSet([]policy.Policy{{
		UID: "u", Namespace: "shop", Name: "api", Resource: api,
		Scopes: []policy.Scope{
			{Name: "any"}, {Name: "admin", Roles: []string{"boss", "admin"}},
			{Name: "people", GrantableTo: []policy.Grantee{policy.Users}}, {Name: "robots", GrantableTo: []policy.Grantee{policy.Clients}},
		},
		Allow: []policy.Rule{{Scopes: []string{"any", "admin", "people", "robots"}}},
	}})
	code := []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode, v1alpha1.GrantRefreshToken}
	self := []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}
	both := append(slices.Clone(self), code...)
	for _, tc := range []struct {
		name, scope string
		grants      []v1alpha1.GrantType
		granted     bool
		reason      string
		message     string
	}{
		{"anybody's, for users", "any", code, true, v1alpha1.ScopeReasonAllowed, ""},
		{"anybody's, for both", "any", both, true, v1alpha1.ScopeReasonAllowed, ""},
		{"with roles", "admin", code, true, v1alpha1.ScopeReasonAllowed, `to users who hold one of the roles ["admin" "boss"]`},
		{"S16 with roles, for itself", "admin", self, false, v1alpha1.ScopeReasonNotForClients, "ScopePolicy shop/api grants it to users only (grantableTo, or its roles)"},
		{"users' for users", "people", code, true, v1alpha1.ScopeReasonAllowed, ""},
		{"users' for itself", "people", self, false, v1alpha1.ScopeReasonNotForClients, "ScopePolicy shop/api grants it to users only (grantableTo, or its roles)"},
		{"users' for both", "people", both, true, v1alpha1.ScopeReasonAllowed, "only for users, not with client_credentials"},
		{"clients' for users", "robots", code, false, v1alpha1.ScopeReasonNotForUsers, "ScopePolicy shop/api grants it to clients for themselves only (grantableTo)"},
		{"clients' for both", "robots", both, true, v1alpha1.ScopeReasonAllowed, "only with client_credentials, not for users"},
		{"unknown", "other", both, false, v1alpha1.ScopeReasonNotDeclared, `no ScopePolicy in force declares it for ["https://api.example"]`},
	} {
		got, _ := decideScope(set, policy.Client{Namespace: "ns", Name: "app"}, []string{api}, tc.scope, tc.grants)
		if got.Granted != tc.granted || got.Reason != tc.reason || got.Message != tc.message {
			t.Errorf("%s: %+v, want %v %s %q", tc.name, got, tc.granted, tc.reason, tc.message)
		}
		if got.Granted && !slices.Equal(got.Resources, []string{api}) {
			t.Errorf("%s: granted for %q", tc.name, got.Resources)
		}
	}
}

// TestS2StatusOfIdentityScopes: scopes of OpenID Connect are granted at the issuer, and at
// a resource where a scope of its API is granted for users.
func TestS2StatusOfIdentityScopes(t *testing.T) {
	const issuer, api, payroll = "https://login.example", "https://api.example", "https://payroll.example"
	set := policy.NewSet([]policy.Policy{{
		UID: "u", Namespace: "shop", Name: "api", Resource: api,
		Scopes: []policy.Scope{{Name: "read"}, {Name: "robots", GrantableTo: []policy.Grantee{policy.Clients}}},
		Allow:  []policy.Rule{{Scopes: []string{"read", "robots"}}},
	}})
	code := []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode}
	self := []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}
	both := append(slices.Clone(self), code...)
	for name, tc := range map[string]struct {
		scopes, at []string
		grants     []v1alpha1.GrantType
	}{
		"alone":                          {[]string{"openid"}, []string{issuer}, code},
		"beside a scope of the API":      {[]string{"openid", "read"}, []string{api, issuer}, code},
		"beside one that is withheld":    {[]string{"openid", "other"}, []string{issuer}, code},
		"beside one for machines only":   {[]string{"openid", "robots"}, []string{issuer}, both},
		"a client that acts for no user": {[]string{"openid", "read"}, nil, self},
	} {
		results := decideEach(set, policy.Client{Namespace: "ns", Name: "app"}, issuer, []string{payroll, api}, tc.scopes, tc.grants)
		if got := results[0]; got.Granted != (tc.at != nil) || !slices.Equal(got.Resources, tc.at) {
			t.Errorf("%s: %+v, want it at %q", name, got, tc.at)
		}
	}
}
