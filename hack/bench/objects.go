package main

import (
	"context"
	"fmt"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// label marks what the bench made.
const label = "bench.clientele.dev/run"

func ready(conditions []metav1.Condition) bool {
	return meta.IsStatusConditionTrue(conditions, "Ready")
}

func newClient(namespace, name string) *api.OAuthClient {
	return &api.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{label: "true"}},
	}
}

// eventually polls until done says so; a bench may wait, and says for what.
func eventually(ctx context.Context, what string, within time.Duration, done func(context.Context) (bool, error)) error {
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, within, true, done)
	if err != nil {
		return fmt.Errorf("wait for %s (at most %s): %w", what, within, err)
	}
	return nil
}

// namespaces creates the namespaces bench-0 … bench-(n-1).
func (b *bench) namespaces(ctx context.Context, n int) error {
	for i := range n {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(i)}}
		if err := client.IgnoreAlreadyExists(b.bed.client.Create(ctx, ns)); err != nil {
			return err
		}
	}
	return nil
}

func namespace(i int) string { return fmt.Sprintf("bench-%d", i) }

// oneClient creates an OAuthClient, unless it is there, waits until it is ready
// and returns its credentials.
func (b *bench) oneClient(ctx context.Context, name string) (map[string][]byte, error) {
	object := newClient(namespace(0), name)
	if err := client.IgnoreAlreadyExists(b.bed.client.Create(ctx, object)); err != nil {
		return nil, err
	}
	err := eventually(ctx, "OAuthClient "+name, time.Minute, func(ctx context.Context) (bool, error) {
		err := b.bed.client.Get(ctx, client.ObjectKeyFromObject(object), object)
		return ready(object.Status.Conditions), err
	})
	if err != nil {
		return nil, err
	}
	var secret corev1.Secret
	err = b.bed.client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Status.CredentialsSecret}, &secret)
	return secret.Data, err
}

// useAlgorithm has access tokens signed with an algorithm and waits until they are.
func (b *bench) useAlgorithm(ctx context.Context, algorithm api.SigningAlgorithm) error {
	key := serverKey()
	var server api.AuthorizationServer
	if err := b.bed.client.Get(ctx, key, &server); err != nil {
		return err
	}
	before := server.DeepCopy()
	server.Spec.Signing.AccessTokenAlgorithm = algorithm
	server.Spec.Signing.JWKSMaxAge = metav1.Duration{Duration: time.Second} // a new key need not wait for caches here
	if err := b.bed.client.Patch(ctx, &server, client.MergeFrom(before)); err != nil {
		return err
	}
	return eventually(ctx, "an active key for "+string(algorithm), time.Minute, func(ctx context.Context) (bool, error) {
		err := b.bed.client.Get(ctx, key, &server)
		for _, k := range server.Status.SigningKeys {
			if k.Phase == api.KeyActive && k.Algorithm == algorithm {
				return ready(server.Status.Conditions), err
			}
		}
		return false, err
	})
}
