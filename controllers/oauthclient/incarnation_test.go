package oauthclient

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
)

// A status that was judged of one object must not end up in another of its name.
func TestStatusIsNotWrittenToAnotherIncarnation(t *testing.T) {
	w := newWorld(t)
	old := w.oauthClient("app")
	uid := old.UID
	w.delete(old)
	fresh := w.oauthClient("app")
	slim := func(id string) *v1alpha1.OAuthClient {
		o := &v1alpha1.OAuthClient{Status: v1alpha1.OAuthClientStatus{ClientID: id}}
		o.Namespace, o.Name = fresh.Namespace, fresh.Name
		return o
	}
	err := status.Patch(t.Context(), w.kube, uid, slim(""), slim("of the old one"))
	var got v1alpha1.OAuthClient
	must(t, w.kube.Get(t.Context(), keyOf(fresh), &got))
	if got.Status.ClientID != "" {
		t.Errorf("it was (%v)", err)
	}
	must(t, status.Patch(t.Context(), w.kube, fresh.UID, slim(""), slim("of this one")))
	must(t, w.kube.Get(t.Context(), keyOf(fresh), &got))
	if got.Status.ClientID != "of this one" {
		t.Error("and nothing is written at all")
	}
}
