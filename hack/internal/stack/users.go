package stack

import (
	"context"
	"encoding/json"
	"fmt"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/hack/internal/manifests"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// demoUserName signs in as.
const demoUserName = "demo"

// usersSecret holds the demo user, beside the AuthorizationServer.
const usersSecret = serverName + "-demo-users"

// DemoUser is a local user with a password that is made fresh at each start. The
// password redacts itself.
type DemoUser struct {
	Name     string
	Password credential.Secret
}

// DemoUser can sign in at the server, once StartSteps are through.
func (s *Stack) DemoUser() DemoUser { return s.demoUser }

// makeDemoUser puts the user into a Secret and lets the server read that.
func (s *Stack) makeDemoUser(ctx context.Context) (string, error) {
	s.demoUser = DemoUser{Name: demoUserName, Password: credential.Secret(credential.NewID())}
	document, err := s.demoUser.document()
	if err != nil {
		return "", err
	}
	objects := append([]*unstructured.Unstructured{usersSecretObject(document)}, usersRole(s.serverIdentity().name)...)
	if err := manifests.Apply(ctx, s.client, objects, applyWithin); err != nil {
		return "", err
	}
	return fmt.Sprintf("user %q made, in Secret %s/%s", s.demoUser.Name, SystemNamespace, usersSecret), nil
}

// document is what the server reads; JSON is YAML.
func (u DemoUser) document() (string, error) {
	hash, err := signin.HashPassword(u.Password)
	if err != nil {
		return "", fmt.Errorf("hash the demo user's password: %w", err)
	}
	document, err := json.Marshal(map[string]any{"users": []map[string]any{{
		"username": u.Name, "id": u.Name, "passwordHash": hash,
		"name": "Demo User", "email": "demo@shop.example", "emailVerified": true,
	}}})
	return string(document), err
}

func usersSecretObject(document string) *unstructured.Unstructured {
	return systemObject("v1", "Secret", usersSecret, map[string]any{
		"stringData": map[string]any{"users.yaml": document},
	})
}

// usersRole lets the server read that Secret: config/install.yaml names only its own.
func usersRole(account string) []*unstructured.Unstructured {
	const group = "rbac.authorization.k8s.io"
	role := systemObject(group+"/v1", "Role", usersSecret, map[string]any{"rules": []any{map[string]any{
		"apiGroups": []any{""}, "resources": []any{"secrets"},
		"resourceNames": []any{usersSecret}, "verbs": []any{"get", "list", "watch"},
	}}})
	binding := systemObject(group+"/v1", "RoleBinding", usersSecret, map[string]any{
		"roleRef":  map[string]any{"apiGroup": group, "kind": "Role", "name": usersSecret},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": SystemNamespace}},
	})
	return []*unstructured.Unstructured{role, binding}
}

// forPeople are the fields that open the AuthorizationServer to the demo user and
// to apps that register themselves. They are applied apart from the sample, by
// another field manager, so that applying the sample again leaves them alone. The
// limits suit one address that tries things out all day.
func forPeople() *unstructured.Unstructured {
	return systemObject("oauth.clientele.dev/v1alpha1", "AuthorizationServer", serverName, map[string]any{"spec": map[string]any{
		"registration": map[string]any{
			"mode": "Open", "maxClients": int64(100_000), "privateUseSchemes": []any{"cursor"},
			"perAddressMinute": int64(2000), "perAddressDay": int64(200_000), "perMinute": int64(2000),
		},
		"users": map[string]any{
			"local":   map[string]any{"secretRef": map[string]any{"name": usersSecret}},
			"lockout": map[string]any{"perUserAndAddress": int64(10_000), "perUser": int64(100_000), "perAddress": int64(100_000), "window": "1m"},
		},
	}})
}

// systemObject makes an object in SystemNamespace; content are its members beside
// those that every object has.
func systemObject(apiVersion, kind, name string, content map[string]any) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: content}
	obj.SetAPIVersion(apiVersion)
	obj.SetKind(kind)
	obj.SetNamespace(SystemNamespace)
	obj.SetName(name)
	return obj
}
