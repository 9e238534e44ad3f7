package controllers_test

import (
	"os"
	"path/filepath"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// What config/install.yaml gives to whom, and what it must not.
func TestRights(t *testing.T) {
	c := testenv.Client(t)
	team := testenv.Namespace(t)
	for _, role := range []string{"clientele-edit", "clientele-view", "clientele-registrant", "admin"} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: role}},
		}
		if err := c.Create(t.Context(), binding); err != nil {
			t.Fatal(err)
		}
	}
	const (
		ours     = "oauth.clientele.dev"
		operator = "system:serviceaccount:" + system + ":clientele-operator"
		server   = "system:serviceaccount:" + system + ":clientele-server"

		support = "system:serviceaccount:" + system + ":clientele-support"
	)
	// What a role permits comes before what it does not: by then its binding counts.
	for _, tc := range []struct {
		name, user                                            string
		verb, group, resource, subresource, namespace, object string
		allowed                                               bool
	}{
		{"a team makes clients", "clientele-edit", "create", ours, "oauthclients", "", team, "", true},
		{"a team declares scopes", "clientele-edit", "create", ours, "scopepolicies", "", team, "", true},
		{"a team writes no status", "clientele-edit", "patch", ours, "oauthclients", "status", team, "a", false},
		{"a team makes no server", "clientele-edit", "create", ours, "authorizationservers", "", team, "", false},
		{"a team gives no access", "clientele-edit", "create", ours, "namespaceaccesses", "", team, "", false},
		{"a team's admin gives none", "admin", "create", ours, "namespaceaccesses", "", team, "", false},
		{"a viewer reads none", "clientele-view", "get", ours, "namespaceaccesses", "", team, "", false},
		{"a team is no registrar", "clientele-edit", "manage", ours, "authorizationservers", "", team, "default", false},
		{"a viewer reads clients", "clientele-view", "get", ours, "oauthclients", "", team, "", true},
		{"a viewer makes none", "clientele-view", "create", ours, "oauthclients", "", team, "", false},
		{"a registrant registers", "clientele-registrant", "register", ours, "authorizationservers", "", team, "default", true},
		{"a registrant is no registrar", "clientele-registrant", "manage", ours, "authorizationservers", "", team, "default", false},
		{"a registrant reads no server", "clientele-registrant", "get", ours, "authorizationservers", "", team, "default", false},
		{"who supports people and apps is a registrar", support, "manage", ours, "authorizationservers", "", system, "default", true},
		{"and reads no Secrets", support, "list", "", "secrets", "", system, "", false},
		{"the operator is a registrar", operator, "manage", ours, "authorizationservers", "", system, "default", true},
		{"the operator reads access", operator, "watch", ours, "namespaceaccesses", "", system, "", true},
		{"the operator gives none", operator, "update", ours, "namespaceaccesses", "", system, "a", false},
		{"the server reads no access", server, "get", ours, "namespaceaccesses", "", system, "a", false},
		{"the operator writes no spec", operator, "update", ours, "oauthclients", "", team, "a", false},
		{"the operator has tokens of its own", operator, "create", "", "serviceaccounts", "token", system, "clientele-operator", true},
		{"the operator has no other's", operator, "create", "", "serviceaccounts", "token", system, "clientele-server", false},
		{"the server reads its signing keys", server, "watch", "", "secrets", "", system, "default-signing-keys", true},
		{"the server reads the local users", server, "watch", "", "secrets", "", system, "default-users", true},
		{"the server reads no credentials", server, "get", "", "secrets", "", system, "default-oauth", false},
		{"the server reads no registration", server, "get", "", "secrets", "", system, "oac-0123456789abcdef0123", false},
		{"the server lists no Secrets", server, "list", "", "secrets", "", system, "", false},
		{"the server writes no Secret", server, "update", "", "secrets", "", system, "default-signing-keys", false},
		{"the server reviews tokens", server, "create", "authentication.k8s.io", "tokenreviews", "", "", "", true},
		{"the server reviews rights", server, "create", "authorization.k8s.io", "subjectaccessreviews", "", "", "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			may := authorizationv1.ResourceAttributes{
				Verb: tc.verb, Group: tc.group, Resource: tc.resource, Subresource: tc.subresource, Namespace: tc.namespace, Name: tc.object,
			}
			if tc.allowed {
				testenv.Allowed(t, tc.user, may)
				return
			}
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: tc.user, ResourceAttributes: &may}}
			if err := c.Create(t.Context(), review); err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed {
				t.Errorf("allowed: %s", review.Status.Reason)
			}
		})
	}
}

// The samples apply in the order of their names, the Namespace first.
func TestSamplesApply(t *testing.T) {
	files, err := filepath.Glob("../config/samples/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("the samples are %v, %v; want four or more", files, err)
	}
	c := testenv.Client(t, v1alpha1.AddToScheme)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(data, &obj.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		strict := client.WithFieldValidation(c, metav1.FieldValidationStrict)
		if obj.GetKind() == "Namespace" {
			err = client.IgnoreAlreadyExists(strict.Create(t.Context(), obj))
		} else {
			err = strict.Create(t.Context(), obj, client.DryRunAll)
		}
		if err != nil && !errors.IsAlreadyExists(err) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
