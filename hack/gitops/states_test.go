package gitops

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// short is a timeout of Helm that runs out where the test wants it to; long one that does
// not.
const (
	short = 3 * time.Second
	long  = 2 * time.Minute
)

// state is one in which an object can be while somebody waits for it.
type state struct {
	name string
	// make creates the object, and all that it needs.
	make func(t *testing.T, w *world) client.Object
	// end is how the wait of Helm ends, saying (in part) why.
	end, says string
}

// With the operator stopped nothing is Current, whatever was before (K2).
func TestNothingIsCurrentThatTheOperatorHasNotSeen(t *testing.T) {
	w, h := newWorld(t), newHelm(t)
	ns := w.namespace(t, allowed)
	changed := oauthClient(ns, "changed")
	w.create(t, changed)
	stop := w.startOperator(t)
	w.await(t, changed, v1alpha1.ReasonAccepted)
	stop()
	w.patch(t, changed, `{"spec":{"displayName":"another"}}`)

	w.check(t, h, []state{
		{"fresh OAuthClient", of(oauthClient(ns, "fresh")), timesOut, "InProgress"},
		{"fresh ScopePolicy", of(scopePolicy(ns, "fresh", resource)), timesOut, "InProgress"},
		{"fresh NamespaceAccess", of(w.access("fresh", allowed)), timesOut, "InProgress"},
		{"fresh AuthorizationServer", of(w.server("fresh")), timesOut, "InProgress"},
		{"fresh and disabled", of(disabled(oauthClient(ns, "fresh-disabled"))), timesOut, "InProgress"},
		{"changed", func(*testing.T, *world) client.Object { return changed }, timesOut, "generation is 2"},
	})
}

// of creates an object.
func of(obj client.Object) func(*testing.T, *world) client.Object {
	return func(t *testing.T, w *world) client.Object {
		w.create(t, obj)
		return obj
	}
}

func disabled(oac *v1alpha1.OAuthClient) *v1alpha1.OAuthClient {
	oac.Spec.Disabled = true
	return oac
}

// A wait that begins before the operator ends when, and not before, all is done.
func TestWaitEndsWhenTheObjectsAreReady(t *testing.T) {
	w, h := newWorld(t), newHelm(t)
	ns := w.namespace(t, allowed)
	oac, policy := oauthClient(ns, "app"), scopePolicy(ns, "orders", resource)
	w.create(t, oac)
	w.create(t, policy)
	objects := []client.Object{oac, policy, w.server("default"), w.access("teams", allowed)}
	resources, waiter := h.prepare(t, w, objects...)
	ended := make(chan error, 1)
	go func() { ended <- waiter.Wait(resources, long) }()
	select {
	case err := <-ended:
		t.Fatalf("the wait ended before the operator was there: %v", err)
	case <-time.After(short): // as long as Helm may take to see all objects
	}
	w.startOperator(t)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if w.clientSecret(t, ns) == "" {
		t.Error("the wait ended without a secret")
	}
	for _, obj := range objects {
		if got := w.ready(t, obj); got.status != "True" {
			t.Errorf("the wait ended while %s is %+v", obj.GetName(), got)
		}
		w.agree(t, obj, goesOn)
	}
}

// With the operator running, each object ends in one of three ways.
func TestWaitEndsAsTheObjectIs(t *testing.T) {
	w, h := newWorld(t), newHelm(t)
	w.startOperator(t)
	ns, other := w.namespace(t, allowed), w.namespace(t, "gitops.test/nobody")
	late := w.namespace(t, "gitops.test/late")

	unreachable := w.server("away")
	unreachable.Spec.Issuer = "http://127.0.0.1:1"
	elsewhere := w.server("default")
	elsewhere.Namespace = ns

	reserved := oauthClient(ns, "reserved")
	reserved.Spec.Resources = []string{w.issuer}
	atAway := oauthClient(ns, "at-away")
	atAway.Spec.ServerRef = &v1alpha1.ServerReference{Name: "away"}
	atNone := oauthClient(ns, "at-none")
	atNone.Spec.ServerRef = &v1alpha1.ServerReference{Name: "none"}
	policyAtNone := scopePolicy(ns, "at-none", resource)
	policyAtNone.Spec.ServerRef = atNone.Spec.ServerRef
	accessAtNone := w.access("at-none", allowed)
	accessAtNone.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "none"}
	badSelector := w.access("bad-selector", allowed)
	badSelector.Spec.Namespaces.Selector.MatchExpressions[0].Operator = metav1.LabelSelectorOpIn

	w.check(t, h, []state{
		{"OAuthClient", of(oauthClient(ns, "fine")), goesOn, ""},
		{"disabled OAuthClient (K1)", of(disabled(oauthClient(ns, "off"))), goesOn, ""},
		{"OAuthClient that asks for a reserved resource", of(reserved), givesUp, "is reserved"},
		{"OAuthClient that no NamespaceAccess permits", of(oauthClient(other, "app")), givesUp, "no NamespaceAccess"},
		{"OAuthClient whose NamespaceAccess comes later in the release", func(t *testing.T, w *world) client.Object {
			oac := oauthClient(late, "app")
			w.create(t, oac)
			w.await(t, oac, v1alpha1.ReasonNamespaceNotAllowed)
			time.AfterFunc(time.Second, func() { // while Helm waits
				if err := w.Create(context.Background(), w.access("late", "gitops.test/late")); err != nil {
					t.Error(err)
				}
			})
			t.Cleanup(func() { _ = w.Delete(context.Background(), w.access("late", "gitops.test/late")) })
			return oac
		}, goesOn, ""},
		{"OAuthClient without an AuthorizationServer (O16)", of(atNone), timesOut, "there is no AuthorizationServer"},
		{"OAuthClient whose server is away", of(atAway), timesOut, "InProgress"},
		{"ScopePolicy", of(scopePolicy(ns, "fine", resource)), goesOn, ""},
		{"ScopePolicy of a reserved resource", of(scopePolicy(ns, "reserved", w.issuer)), givesUp, "is reserved"},
		{"ScopePolicy that no NamespaceAccess permits", of(scopePolicy(other, "orders", resource+"/other")), givesUp, "may not declare"},
		{"ScopePolicy without an AuthorizationServer (O16)", of(policyAtNone), timesOut, "there is no AuthorizationServer"},
		{"NamespaceAccess", of(w.access("fine", allowed)), goesOn, ""},
		{"NamespaceAccess with an invalid selector", of(badSelector), givesUp, "selector is invalid"},
		{"NamespaceAccess without an AuthorizationServer", of(accessAtNone), timesOut, "there is no AuthorizationServer"},
		{"AuthorizationServer", func(t *testing.T, w *world) client.Object { return w.server("default") }, goesOn, ""},
		{"AuthorizationServer that is away", of(unreachable), timesOut, "InProgress"},
		{"AuthorizationServer whose keys are damaged", func(t *testing.T, w *world) client.Object {
			damaged := &corev1.Secret{}
			damaged.Namespace, damaged.Name = system, v1alpha1.ServerKeysSecretName("damaged")
			damaged.Labels = map[string]string{v1alpha1.LabelSecretKind: v1alpha1.SecretKindServerKeys}
			w.create(t, damaged)
			return of(w.server("damaged"))(t, w)
		}, givesUp, "is damaged"},
		{"AuthorizationServer in a namespace that does not count", of(elsewhere), givesUp, "--authorization-server-namespaces"},
	})
}

// check has Helm wait for each object, and Argo CD and Flux say the same of it in the end.
func (w *world) check(t *testing.T, h helm, states []state) {
	t.Helper()
	t.Run("states", func(t *testing.T) {
		for _, s := range states {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				obj := s.make(t, w)
				timeout := long
				if s.end == timesOut {
					timeout = short
				}
				end, says := h.wait(t, w, timeout, obj)
				if end != s.end || !strings.Contains(says, s.says) {
					t.Errorf("Helm %s: %q; want that it %s: %q", end, says, s.end, s.says)
				}
				w.agree(t, obj, s.end)
			})
		}
	})
}

// agree holds what Argo CD and Flux say of an object against how Helm's wait ended.
func (w *world) agree(t *testing.T, obj client.Object, end string) {
	t.Helper()
	want := map[string]string{
		goesOn:   fmt.Sprint("Healthy ", status.CurrentStatus),
		givesUp:  fmt.Sprint("Degraded ", status.FailedStatus),
		timesOut: fmt.Sprint("Progressing ", status.InProgressStatus),
	}[end]
	u := w.read(t, obj)
	argo, message := health(t, u)
	if got := fmt.Sprint(argo, " ", flux(t, u)); got != want {
		t.Errorf("Argo CD and Flux say %s (%s), want %s", got, message, want)
	}
}
