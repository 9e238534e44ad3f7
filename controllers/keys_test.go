package controllers_test

import (
	"context"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func (s *stack) signingKeys(t *testing.T) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: system, Name: v1alpha1.SigningKeysSecretName("default")}, secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

// awaitEvent waits for an event about an object.
func (s *stack) awaitEvent(t *testing.T, about client.Object, reason string) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		var list eventsv1.EventList
		if s.client.List(ctx, &list, client.InNamespace(about.GetNamespace())) != nil {
			return false
		}
		for _, e := range list.Items {
			if e.Reason == reason && e.Regarding.UID == about.GetUID() {
				return true
			}
		}
		return false
	}, func() string { return "no event " + reason })
}

func TestRotationOfSigningKeysOnRequest(t *testing.T) {
	s := start(t)
	as := s.authorizationServer()
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	old := as.Status.SigningKeys[0].KID
	s.change(t, as, func() {
		as.Spec.Signing.JWKSMaxAge = metav1.Duration{Duration: time.Second}
		as.Annotations = map[string]string{v1alpha1.AnnotationRotateSigningKeys: "1"}
	})
	s.eventually(t, func(ctx context.Context) bool {
		return s.client.Get(ctx, client.ObjectKeyFromObject(as), as) == nil && as.Status.HandledRotateKeys == "1"
	}, func() string { return "the request is not handled" })
	if now := as.Status.SigningKeys[0]; now.Phase != v1alpha1.KeyActive || now.KID == old {
		t.Errorf("the first key of the status is %+v, want another Active one than %s", now, old)
	}
	s.awaitEvent(t, as, "SigningKeyRotated")
}

// F28: the Secret with the signing keys deleted, and damaged.
func TestF28SigningKeysDeletedAndDamaged(t *testing.T) {
	s := start(t)
	as, sp, oac := s.authorizationServer(), s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	s.awaitToken(t, "200 read")

	old := s.signingKeys(t)
	s.remove(t, old)
	s.awaitEvent(t, as, "SigningKeysLost")
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	s.awaitToken(t, "200 read")

	secret := s.signingKeys(t)
	good := secret.Data[v1alpha1.SigningKeysKey]
	s.change(t, secret, func() { secret.Data[v1alpha1.SigningKeysKey] = []byte("{}") })
	s.await(t, as, v1alpha1.ConditionStalled, v1alpha1.ReasonKeysInvalid)
	if got := s.signingKeys(t); string(got.Data[v1alpha1.SigningKeysKey]) != "{}" {
		t.Error("the damaged Secret was overwritten")
	}
	s.awaitToken(t, "200 read") // the server goes on with the keys it has
	s.change(t, secret, func() { secret.Data[v1alpha1.SigningKeysKey] = good })
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
}
