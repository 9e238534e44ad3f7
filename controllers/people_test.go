package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/hack/testenv"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// callback of the app that acts for people.
const callback = "http://127.0.0.1/callback"

// peopleApp is a public app that acts for people.
func (s *stack) peopleApp() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "storefront"},
		Spec: v1alpha1.OAuthClientSpec{
			Type: v1alpha1.ClientPublic, GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode, v1alpha1.GrantRefreshToken},
			RedirectURIs: []string{callback}, Resources: []string{"https://orders.example"}, Scopes: []string{"openid", "read"},
		},
	}
}

// usersDocument has one user, ada.
func usersDocument(t *testing.T) string {
	t.Helper()
	hash, err := signin.HashPassword(authtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("users: [{username: ada, id: ada, passwordHash: '%s'}]", hash)
}

// useUsers names the Secret with the local users; empty: there are none any more.
func (s *stack) useUsers(t *testing.T, as *v1alpha1.AuthorizationServer, secret string) {
	t.Helper()
	s.change(t, as, func() {
		as.Spec.Users = nil
		if secret != "" {
			as.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: secret}}}
		}
	})
}

// awaitAuthorization waits until the status tells, or does not tell any more, of an
// authorization endpoint.
func (s *stack) awaitAuthorization(t *testing.T, as *v1alpha1.AuthorizationServer, there bool) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		err := s.client.Get(ctx, client.ObjectKeyFromObject(as), as)
		return err == nil && as.Status.Endpoints != nil && (as.Status.Endpoints.Authorization != "") == there
	}, func() string { return fmt.Sprintf("the endpoints are %+v", as.Status.Endpoints) })
}

// awaitUsers waits until UsersReady has a reason, and looks at its message.
func (s *stack) awaitUsers(t *testing.T, as *v1alpha1.AuthorizationServer, reason string, says ...string) {
	t.Helper()
	s.await(t, as, v1alpha1.ConditionUsersReady, reason)
	c := meta.FindStatusCondition(as.Status.Conditions, v1alpha1.ConditionUsersReady)
	for _, want := range says {
		if !strings.Contains(c.Message, want) {
			t.Errorf("%s: the message %q does not say %q", reason, c.Message, want)
		}
	}
	for _, never := range []string{"ada", "$argon2id"} {
		if strings.Contains(c.Message, never) {
			t.Errorf("F36: %s: the message %q tells %q", reason, c.Message, never)
		}
	}
}

// status of a GET at the server.
func (s *stack) status(t *testing.T, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.issuer+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// From a Secret with users to a code, and an ID token that a client verifies which
// was told nothing but the issuer. On the way, whoever sets it up is told what is
// missing, each time.
func TestPeopleFromASecretToAnIDToken(t *testing.T) {
	s := start(t)
	as, sp, app := s.authorizationServer(), s.policy(), s.peopleApp()
	s.create(t, sp)
	s.create(t, app)
	s.await(t, app, v1alpha1.ConditionScopesGranted, v1alpha1.ReasonAllGranted)
	s.await(t, app, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.awaitAuthorization(t, as, false)
	if got := s.status(t, "/oauth/authorize"); got != http.StatusNotFound {
		t.Errorf("the authorization endpoint of a server without users: %d", got)
	}

	usersReady := func(reason string, says ...string) {
		t.Helper()
		s.awaitUsers(t, as, reason, says...)
	}
	s.useUsers(t, as, "somebody-elses")
	usersReady(v1alpha1.ReasonUsersSecretForbidden, "kubectl create role", "--resource-name=somebody-elses")
	s.useUsers(t, as, "default-users")
	usersReady(v1alpha1.ReasonUsersSecretMissing, "kubectl create secret generic default-users -n "+system+" --from-file=users.yaml")
	document := usersDocument(t)
	people := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "default-users"}, Data: map[string][]byte{
		"users.yaml": []byte(strings.Replace(document, "id: ada", "id: 'a:da'", 1)),
	}}
	s.create(t, people)
	usersReady(v1alpha1.ReasonUsersSecretInvalid, "users[0], line 1: id:", "key users.yaml of Secret "+system+"/default-users")
	s.change(t, people, func() { people.Data["users.yaml"] = []byte(document) })
	usersReady(v1alpha1.ReasonUsersInForce)
	s.awaitAuthorization(t, as, true)

	s.signInWithLibraries(t, app.Namespace+".storefront")

	giveBack := testenv.TakeAway(t, client.ObjectKey{Namespace: system, Name: "clientele-server"}, "default-users", "system:serviceaccount:"+system+":clientele-server")
	s.line.Cut()
	usersReady(v1alpha1.ReasonUsersSecretForbidden, `secrets "default-users" is forbidden`, `resource "secrets"`, // which is listed or watched
		"kubectl create role default-users-reader -n "+system+" --verb=get,list,watch --resource=secrets --resource-name=default-users",
		"what was read before stays in force")
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	s.signInWithLibraries(t, app.Namespace+".storefront")
	giveBack()
	usersReady(v1alpha1.ReasonUsersInForce)

	s.useUsers(t, as, "")
	s.awaitAuthorization(t, as, false)
	if c := meta.FindStatusCondition(as.Status.Conditions, v1alpha1.ConditionUsersReady); c != nil {
		t.Errorf("without spec.users: %+v", c)
	}
	if got := s.status(t, "/oauth/authorize"); got != http.StatusNotFound {
		t.Errorf("the authorization endpoint after the users went: %d", got)
	}
	s.await(t, app, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
}

// signInWithLibraries signs ada in for a public client, with the libraries that Go
// programs use.
func (s *stack) signInWithLibraries(t *testing.T, clientID string) {
	t.Helper()
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	config := oauth2.Config{ClientID: clientID, Endpoint: provider.Endpoint(), RedirectURL: callback, Scopes: []string{oidc.ScopeOpenID, "read"}}
	verifier := oauth2.GenerateVerifier()
	b := authtest.NewBrowserAt(t, s.issuer)
	page := b.Complete(t, b.Get(t, config.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce"),
		oauth2.SetAuthURLParam("resource", "https://orders.example"))), "ada")
	tokens, err := config.Exchange(ctx, page.Callback.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%v; the browser came to %s %v\n%s", err, page.URL, page.Callback, page.Body)
	}
	raw, _ := tokens.Extra("id_token").(string)
	// Nothing is said of algorithms: RS256 and no other is taken.
	id, err := oidc.NewVerifier(s.issuer, oidc.NewRemoteKeySet(ctx, s.issuer+"/.well-known/jwks.json"), &oidc.Config{ClientID: clientID}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != "user/ada" || id.Nonce != "nonce" {
		t.Errorf("the ID token says sub %q, nonce %q", id.Subject, id.Nonce)
	}
	if tokens.RefreshToken == "" || tokens.Extra("scope") != "openid read" {
		t.Errorf("refresh token %v, scope %v", tokens.RefreshToken != "", tokens.Extra("scope"))
	}
}
