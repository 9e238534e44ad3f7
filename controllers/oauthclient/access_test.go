package oauthclient

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/hack/testenv"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inNamespace makes an OAuthClient elsewhere than in the app namespace.
func inNamespace(namespace string) func(*v1alpha1.OAuthClient) {
	return func(o *v1alpha1.OAuthClient) { o.Namespace = namespace }
}

// callbacks makes an app for users with n redirect URIs.
func callbacks(n int) func(*v1alpha1.OAuthClient) {
	return func(o *v1alpha1.OAuthClient) {
		webApp(o)
		o.Spec.RedirectURIs = make([]string, n)
		for i := range o.Spec.RedirectURIs {
			o.Spec.RedirectURIs[i] = fmt.Sprintf("https://app.example/callback/%d", i)
		}
	}
}

func TestWithoutNamespaceAccess(t *testing.T) {
	w := newWorld(t)
	w.delete(w.access())
	op := w.operator()
	own := w.oauthClient("own", webApp, inNamespace(w.system))
	other := w.oauthClient("other")
	op.settleAccepted(own)
	op.settle(keyOf(other))
	c := w.wantReady(keyOf(other), metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
	if !strings.Contains(c.Message, "has no NamespaceAccess") || !strings.Contains(c.Message, "make one for it first") { // K4
		t.Error(c.Message)
	}
	if names := w.get(keyOf(own)).Status.Access; len(names) != 0 {
		t.Errorf("access is %q", names)
	}

	// With the first object, only what that gives counts.
	w.create(w.access())
	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"other.example"}})
	op.settle(keyOf(own))
	w.wantReady(keyOf(own), metav1.ConditionFalse, v1alpha1.ReasonRedirectHostNotAllowed)
	op.settleAccepted(other)
	if names := w.get(keyOf(other)).Status.Access; !slices.Equal(names, []string{"teams"}) {
		t.Errorf("access is %q", names)
	}
}

func TestObjectsAddUp(t *testing.T) {
	w := newWorld(t)
	w.allow(&v1alpha1.ClientAccess{RedirectHosts: []string{"one.example"}})
	op := w.operator()
	oac := w.oauthClient("app", webApp, func(o *v1alpha1.OAuthClient) {
		o.Spec.RedirectURIs = []string{"https://one.example/cb", "https://two.example/cb"}
	})
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonRedirectHostNotAllowed)

	second := w.access()
	second.Name = "more"
	second.Spec.Clients = &v1alpha1.ClientAccess{RedirectHosts: []string{"two.example"}, Trusted: true}
	w.create(second)
	op.settleAccepted(oac)
	if names := w.get(keyOf(oac)).Status.Access; !slices.Equal(names, []string{"more", "teams"}) {
		t.Errorf("access is %q", names)
	}
	if op.registered(oac).Managed.Trusted {
		t.Error("trusted by an object whose own hosts do not cover all redirect URIs")
	}
	w.edit(oac, func() { oac.Spec.RedirectURIs = []string{"https://two.example/cb"} })
	op.settleAccepted(oac)
	if !op.registered(oac).Managed.Trusted {
		t.Error("not trusted by an object whose own hosts cover all redirect URIs")
	}
}

func TestOrphanNeedsAccess(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac := w.oauthClient("app", orphaning)
	op.settle(keyOf(oac))
	c := w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonOrphanNotAllowed)
	if !strings.Contains(c.Message, "spec.clients.orphan") {
		t.Error(c.Message)
	}
	w.wantClients(0)

	w.allow(&v1alpha1.ClientAccess{Orphan: true})
	op.settleAccepted(oac)
	creds := w.credentials("app")

	// The permission is withdrawn: the client works, and does not become an orphan.
	w.allow(&v1alpha1.ClientAccess{})
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonOrphanNotAllowed)
	w.wantToken(creds, http.StatusOK)
	w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1") })
	op.settle(keyOf(oac))
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.wantToken(creds, http.StatusOK)
	w.clock.Advance(status.Patience)
	if d := op.run(keyOf(oac)).RequeueAfter; d < 23*time.Hour {
		t.Errorf("it is looked at after %v, not when the previous secret expires", d)
	}
	w.delete(oac)
	op.gone(keyOf(oac))
	w.wantToken(creds, http.StatusUnauthorized)
	w.wantClients(0)
}

func TestOrphanOfBeforeStays(t *testing.T) {
	w := newWorld(t)
	w.allow(&v1alpha1.ClientAccess{Orphan: true})
	op := w.operator()
	oac := w.oauthClient("app", orphaning)
	op.settleAccepted(oac)
	creds := w.credentials("app")
	w.delete(oac)
	op.gone(keyOf(oac))
	w.allow(&v1alpha1.ClientAccess{})
	op.settle(keyOf(oac))
	w.wantToken(creds, http.StatusOK)
	again := w.oauthClient("app")
	op.settleAccepted(again)
	w.wantToken(creds, http.StatusOK)
}

// limit sets the quota of every namespace.
func (w *world) limit(q v1alpha1.AccessQuota) {
	w.t.Helper()
	o := w.access()
	w.edit(o, func() { o.Spec.Quota = &q })
}

func TestS10QuotaOfClients(t *testing.T) {
	w := newWorld(t)
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(2))})
	op := w.operator()
	first, second, third := w.oauthClient("first"), w.oauthClient("second"), w.oauthClient("third")
	elsewhere := w.oauthClient("first", inNamespace(testenv.Namespace(t)))
	op.settleAccepted(first)
	op.settleAccepted(second)
	op.settle(keyOf(third))
	c := w.wantReady(keyOf(third), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	for _, word := range []string{"has 2 clients", "may have 2", "NamespaceAccess " + w.system + "/teams"} {
		if !strings.Contains(c.Message, word) {
			t.Errorf("the message %q does not say %q", c.Message, word)
		}
	}
	op.settleAccepted(elsewhere)
	w.wantClients(3)

	// A limit that sinks takes nothing away, also not if a registration Secret is lost.
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(0))})
	w.edit(first, func() { first.Spec.Scopes = []string{"a"} })
	op.settleAccepted(first)
	lost := w.records()[slices.IndexFunc(w.records(), isOf(second))]
	w.delete(&lost)
	op.settleAccepted(second)
	w.wantToken(w.credentials("second"), http.StatusOK)
	w.wantClients(3)

	// A deleted client counts until it is deregistered.
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(2))})
	w.proxy.failing(http.MethodDelete, answer(http.StatusServiceUnavailable, "", ""))
	w.delete(first)
	must(t, op.sync())
	op.startGone(keyOf(first))
	op.settle(keyOf(third))
	w.wantReady(keyOf(third), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	w.proxy.failing("", nil)
	op.gone(keyOf(first))
	op.settleAccepted(third)
}

func isOf(oac *v1alpha1.OAuthClient) func(corev1.Secret) bool {
	return func(s corev1.Secret) bool { return ownerOf(&s) == keyOf(oac) }
}

func TestS10QuotaOfRedirectURIs(t *testing.T) {
	w := newWorld(t)
	w.limit(v1alpha1.AccessQuota{RedirectURIs: new(int32(4))})
	op := w.operator()
	first, machine, second := w.oauthClient("first", callbacks(3)), w.oauthClient("machine"), w.oauthClient("second", callbacks(2))
	op.settleAccepted(first)
	op.settleAccepted(machine)
	op.settle(keyOf(second))
	c := w.wantReady(keyOf(second), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	for _, word := range []string{"spec.redirectURIs lists 2", "have 3", "may have 4", "NamespaceAccess " + w.system + "/teams"} {
		if !strings.Contains(c.Message, word) {
			t.Errorf("the message %q does not say %q", c.Message, word)
		}
	}
	w.edit(second, func() { second.Spec.RedirectURIs = second.Spec.RedirectURIs[:1] })
	op.settleAccepted(second)

	// More than the quota permits: those of before stay, and all else goes on.
	w.edit(first, func() { callbacks(5)(first) })
	op.settle(keyOf(first))
	w.wantReady(keyOf(first), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	if uris := op.registered(first).RedirectURIs; len(uris) != 3 {
		t.Errorf("registered with %q", uris)
	}
	w.wipe()
	op.settle(keyOf(first))
	if uris := op.registered(first).RedirectURIs; len(uris) != 3 {
		t.Errorf("a server that lost it has it with %q", uris)
	}
	w.edit(first, func() { first.Spec.Disabled = true })
	op.settle(keyOf(first))
	if !op.registered(first).Managed.Disabled {
		t.Error("a client above the quota cannot be disabled")
	}
	// One that had none is left as it was.
	w.edit(machine, func() { callbacks(2)(machine) })
	op.settle(keyOf(machine))
	w.wantReady(keyOf(machine), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)

	w.limit(v1alpha1.AccessQuota{RedirectURIs: new(int32(8))})
	op.settleAccepted(machine)
	op.settle(keyOf(first))
	if uris := op.registered(first).RedirectURIs; len(uris) != 5 {
		t.Errorf("registered with %q", uris)
	}
}

// Newcomers that are reconciled at the same time do not pass the quota together.
func TestS10QuotaHoldsForMany(t *testing.T) {
	w := newWorld(t)
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(3))})
	var all []*v1alpha1.OAuthClient
	for i := range 12 {
		all = append(all, w.oauthClient(fmt.Sprint("app-", i)))
	}
	op := w.manager()
	accepted := func() (n int) {
		for _, oac := range all {
			if c := op.ready(keyOf(oac)); c != nil && c.Status == metav1.ConditionTrue {
				n++
			}
		}
		return n
	}
	told := func() (n int) {
		for _, oac := range all {
			if c := op.ready(keyOf(oac)); c != nil && c.Reason == v1alpha1.ReasonQuotaExceeded {
				n++
			}
		}
		return n
	}
	eventually(t, "three are accepted and nine are told why not", func() bool { return accepted() == 3 && told() == 9 })
	if n := len(w.records()); n != 3 {
		t.Errorf("%d registration Secrets", n)
	}
	// Room that is made is used at once.
	gone := slices.IndexFunc(all, func(oac *v1alpha1.OAuthClient) bool {
		return op.ready(keyOf(oac)).Status == metav1.ConditionTrue
	})
	w.delete(all[gone])
	all = slices.Delete(all, gone, gone+1)
	eventually(t, "another takes its place", func() bool { return accepted() == 3 && told() == 8 })
	// A larger quota too.
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(5))})
	eventually(t, "two more", func() bool { return accepted() == 5 && told() == 6 })
}

// What a change of a NamespaceAccess queues is exactly what it may touch.
func TestOfAccess(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	other := testenv.Namespace(t)
	here, own := w.oauthClient("here"), w.oauthClient("own", inNamespace(w.system))
	w.oauthClient("other", inNamespace(other))
	w.oauthClient("elsewhere", func(o *v1alpha1.OAuthClient) { o.Spec.ServerRef = &v1alpha1.ServerReference{Name: "second"} })
	gold := func(o *v1alpha1.NamespaceAccess) {
		o.Spec.Namespaces = v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector, Selector: &metav1.LabelSelector{
			MatchLabels: map[string]string{"kubernetes.io/metadata.name": w.app},
		}}
	}
	want := func(name string, o *v1alpha1.NamespaceAccess, comesOrGoes bool, oacs ...*v1alpha1.OAuthClient) {
		t.Helper()
		op.catchUpCache()
		var keys []string
		for _, oac := range oacs {
			keys = append(keys, keyOf(oac).String())
		}
		var got []string
		for _, req := range op.ofAccess(t.Context(), o, comesOrGoes) {
			got = append(got, req.String())
		}
		slices.Sort(keys)
		slices.Sort(got)
		if !slices.Equal(got, keys) {
			t.Errorf("%s: %q, want %q", name, got, keys)
		}
	}
	more := w.access()
	more.Name = "more"
	gold(more)
	want("one namespace", more, true, here)
	more.Spec.Clients = nil
	want("nothing about clients", more, true)
	more.Spec.Quota = &v1alpha1.AccessQuota{}
	want("a quota", more, false, here)
	more.Spec.Namespaces = v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}
	want("the server's own", more, false, own)
	only := w.access()
	gold(only)
	want("the only one changes", only, false, here)
	want("the only one comes or goes", only, true, here, own)
}
