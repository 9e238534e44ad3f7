package testenv_test

import (
	"context"
	"testing"
	"time"

	"clientele.dev/clientele/hack/testenv"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.WithControllerManager()) }

func TestTokenIsReviewedForItsAudienceOnly(t *testing.T) {
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "app")
	token := testenv.ServiceAccountToken(t, ns, "app", "someone")
	c := testenv.Client(t)

	for _, tc := range []struct {
		audience string
		accepted bool
	}{{"someone", true}, {"someone-else", false}} {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{tc.audience}}}
		if err := c.Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		if review.Status.Authenticated != tc.accepted {
			t.Errorf("audience %s: authenticated = %v, want %v", tc.audience, review.Status.Authenticated, tc.accepted)
		}
		if want := "system:serviceaccount:" + ns + ":app"; tc.accepted && review.Status.User.Username != want {
			t.Errorf("user = %q, want %q", review.Status.User.Username, want)
		}
	}
}

func TestServiceAccountHasNoRightsByItself(t *testing.T) {
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "app")
	c := testenv.ClientFor(t, testenv.ServiceAccountConfig(t, ns, "app"))
	err := c.List(t.Context(), &corev1.SecretList{}, client.InNamespace(ns))
	if !apierrors.IsForbidden(err) {
		t.Fatalf("list Secrets: %v, want Forbidden", err)
	}
}

func TestOwnedObjectsAreCollected(t *testing.T) {
	ns := testenv.Namespace(t)
	c := testenv.Client(t)
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owner"}}
	if err := c.Create(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owned", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID},
	}}}
	if err := c.Create(t.Context(), owned); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(owned), owned)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Fatalf("the owned object is not collected: %v", err)
	}
}
