package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

// sampleTime has no fraction: stores keep whole seconds.
var sampleTime = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func owner(name string) oauth.Owner {
	return oauth.Owner{Cluster: "cluster-1", Namespace: "shop", Name: name, UID: "uid-" + name}
}

// client with something in every field.
func client(id string, o oauth.Owner) store.Client {
	return store.Client{
		Registration: oauth.Registration{
			ClientID:                id,
			ClientName:              "The Shop",
			GrantTypes:              []oauth.GrantType{oauth.GrantClientCredentials},
			TokenEndpointAuthMethod: oauth.AuthClientSecretBasic,
			Scope:                   "read write",
			Managed: &oauth.Managed{
				Owner:           o,
				Counter:         1,
				Generation:      2,
				Resources:       []string{"https://api.example.com"},
				NamespaceLabels: map[string]string{"team": "shop"},
			},
		},
		Secrets:           []string{"v1:first", "v1:second"},
		RegistrationToken: "v1:token",
		Created:           sampleTime,
		NotBefore:         sampleTime.Add(time.Hour),
		Digest:            "digest",
	}
}

func samplePolicy(uid string) store.Policy {
	return store.Policy{
		Policy: policy.Policy{
			UID: uid, Namespace: "orders", Name: "orders-api", Cluster: "cluster-1",
			Created: sampleTime.Unix(), Generation: 3, Resource: "https://orders.example.com",
			Scopes: []policy.Scope{{Name: "orders.read", Description: "See your orders"}},
			Allow:  []policy.Rule{{Namespaces: []string{"shop"}, Scopes: []string{"orders.read"}}},
		},
	}
}

// stored compares without what the store itself sets.
var stored = cmp.Options{
	cmpopts.IgnoreFields(store.Client{}, "Revision"),
	cmpopts.IgnoreFields(store.Policy{}, "Revision"),
	cmpopts.EquateEmpty(),
	cmpopts.SortSlices(func(a, b store.Client) bool { return a.Registration.ClientID < b.Registration.ClientID }),
}

func wantDiff(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, stored); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// put a client, whatever exists.
func (w *world) put(t *testing.T, c store.Client) int64 {
	t.Helper()
	return w.change(t, c, store.ClientChange{Put: &c})
}

func (w *world) remove(t *testing.T, c store.Client) int64 {
	t.Helper()
	return w.change(t, c, store.ClientChange{Delete: c.Registration.ClientID})
}

func (w *world) change(t *testing.T, c store.Client, change store.ClientChange) int64 {
	t.Helper()
	revision, err := w.store.ChangeClient(t.Context(), c.Registration.Managed.Owner, c.Registration.ClientID,
		func(store.ExistingClients) (store.ClientChange, error) { return change, nil })
	if err != nil {
		t.Fatalf("change client %q: %v", c.Registration.ClientID, err)
	}
	return revision
}

func (w *world) putPolicy(t *testing.T, p store.Policy) int64 {
	t.Helper()
	return w.changePolicy(t, p.UID, store.PolicyChange{Put: &p})
}

func (w *world) changePolicy(t *testing.T, uid string, change store.PolicyChange) int64 {
	t.Helper()
	revision, err := w.store.ChangePolicy(t.Context(), uid,
		func(*store.Policy) (store.PolicyChange, error) { return change, nil })
	if err != nil {
		t.Fatalf("change policy %q: %v", uid, err)
	}
	return revision
}

// existing shows what a decision about an owner and id would see.
func (w *world) existing(t *testing.T, o oauth.Owner, id string) store.ExistingClients {
	t.Helper()
	var seen store.ExistingClients
	_, err := w.store.ChangeClient(t.Context(), o, id, func(e store.ExistingClients) (store.ClientChange, error) {
		seen = e
		return store.ClientChange{}, nil
	})
	if err != nil {
		t.Fatalf("look at client %q: %v", id, err)
	}
	return seen
}
