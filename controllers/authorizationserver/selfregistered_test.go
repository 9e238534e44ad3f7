package authorizationserver

import (
	"context"
	"net/http"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
)

// registrarToken is the one that the server of the tests knows.
type registrarToken struct{}

func (registrarToken) Token(context.Context, string) (string, time.Time, error) {
	return authtest.RegistrarToken, time.Now().Add(time.Hour), nil
}

// Clients that registered themselves are counted in the status, once a minute and
// not for each.
func TestSelfRegisteredClientsAreCounted(t *testing.T) {
	server := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{
		Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen},
	}})
	clock := authtest.NewClock()
	b := &bench{client: testenv.Client(t, v1alpha1.AddToScheme)}
	b.server = &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: testenv.Namespace(t), Name: "default"}}
	b.server.Spec.Issuer = server.Issuer
	b.server.Spec.Type, b.server.Spec.Unmanaged = v1alpha1.AuthorizationServerUnmanaged, &v1alpha1.UnmanagedServer{}
	b.server.Spec.Registration.Mode = v1alpha1.RegistrationOpen
	if err := b.client.Create(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
	servers := registrar.NewServers(registrar.Options{Tokens: registrarToken{}, Now: clock.Now})
	b.Reconciler = New(Options{
		Client: labelled{b.client}, Live: b.client, Recorder: events.NewFakeRecorder(100), Namespaces: []string{b.server.Namespace}, Now: clock.Now, Servers: servers,
	})
	if err := servers.For(b.server).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	registerAndWant := func(want int64) {
		t.Helper()
		a := server.SendText(t, http.MethodPost, "/oauth/register", "", `{"redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none"}`)
		if a.Status != http.StatusCreated {
			t.Fatalf("register: %d %s", a.Status, a.Body)
		}
		if again := b.reconcile(t).RequeueAfter; again <= 0 || again > countEvery {
			t.Errorf("looks again after %v", again)
		}
		if got := b.server.Status.SelfRegistered; got != want {
			t.Errorf("counted %d, want %d", got, want)
		}
	}
	registerAndWant(1)
	registerAndWant(1) // not a minute later
	clock.Advance(countEvery)
	registerAndWant(3)
}
