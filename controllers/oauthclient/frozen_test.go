package oauthclient

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/written"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// frozen is an operator that reads what this one reads now, for ever.
func (op *operator) frozen() *operator {
	op.t.Helper()
	op.catchUpCache()
	old := *op
	options := op.Options
	old.client = &frozenClient{Client: op.client, seen: map[string]client.Object{}}
	options.Client = written.New(old.client, op.clock.Now)
	options.Live = op.Live
	old.Reconciler = New(options)
	// Read everything once, so that it is remembered.
	var clients v1alpha1.OAuthClientList
	must(op.t, op.cache.List(op.t.Context(), &clients, client.InNamespace(op.app)))
	for i := range clients.Items {
		p := &pass{now: op.clock.Now(), client: &clients.Items[i]}
		p.serverKey, _ = op.serverKey(p.client)
		fc := options.Client
		must(op.t, fc.Get(op.t.Context(), keyOf(p.client), &v1alpha1.OAuthClient{}))
		if _, problem := old.readRecordSecret(op.t.Context(), p); problem != nil {
			op.t.Fatal(problem.message)
		}
	}
	return &old
}

func (op *operator) server(t *testing.T) *registrar.Server {
	t.Helper()
	s, ok := op.Servers.Lookup(types.NamespacedName{Namespace: op.system, Name: "default"})
	if !ok {
		t.Fatal("the server is not known")
	}
	return s
}

// frozenClient returns for ever what it read first.
type frozenClient struct {
	client.Client
	seen map[string]client.Object
}

func (f *frozenClient) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	id := fmt.Sprintf("%T %s", into, key)
	if have, ok := f.seen[id]; ok {
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(have.DeepCopyObject()).Elem())
		return nil
	}
	if err := f.Client.Get(ctx, key, into, opts...); err != nil {
		return err
	}
	f.seen[id] = into.DeepCopyObject().(client.Object)
	return nil
}
