package check

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"clientele.dev/clientele/api/v1alpha1"
)

const (
	certificateOf = "certificate of AuthorizationServer clientele-system/default - "
	endpointsOf   = "endpoints of AuthorizationServer clientele-system/default - "
)

// Why a client would not accept the server's certificate.
func TestCertificatesThatClientsRefuse(t *testing.T) {
	w := running(t)
	good := w.certificate.Load()
	day := 24 * time.Hour
	show := func(host string, until time.Duration) func() {
		return func() { w.certificate.Store(w.ca.certificate(t, host, time.Now().Add(until))) }
	}
	for name, c := range map[string]struct {
		show  func()
		level level
		says  []string
	}{
		"expired":        {show("localhost", -day), fail, []string{certificateOf + "it is valid from ", " to ", " only; " + describeDefault}},
		"another host":   {show("auth.example", 30*day), fail, []string{certificateOf + "it is for auth.example, not for localhost, by which the server is reached; " + describeDefault}},
		"another CA":     {func() { w.certificate.Store(newAuthority(t).certificate(t, "localhost", time.Now().Add(30*day))) }, fail, []string{certificateOf + "no CA that is known here signed it; it is of CN=test CA; " + describeDefault}},
		"soon over":      {show("localhost", 6*day), warn, []string{certificateOf + "it ends at ", ", and has not been renewed; " + describeDefault}},
		"one that lasts": {show("localhost", 8*day), ok, []string{certificateOf + "for localhost until "}},
	} {
		t.Run(name, func(t *testing.T) {
			c.show()
			o := w.check(t, w.caller)
			o.has(t, checkEndpoints, c.level, c.says...)
			if c.level == fail && o.code != exitFailed {
				t.Errorf("exit code %d", o.code)
			}
		})
	}
	w.certificate.Store(good)
	ca := &corev1.ConfigMap{ObjectMeta: in(system, "server-ca")}
	w.remove(t, ca)
	w.check(t, w.caller).has(t, checkEndpoints, fail, "CA of AuthorizationServer clientele-system/default", "ConfigMap clientele-system/server-ca does not exist")
}

// The key that signs has to be published, or every API refuses its tokens.
func TestAKeyThatIsNotPublished(t *testing.T) {
	w := newWorld(t)
	w.startServer(t)
	stop := w.startOperator(t)
	as := w.authorizationServer()
	w.await(t, as, v1alpha1.ReasonServing)
	stop()
	w.lease(t, "op", time.Now())
	changeStatus(t, w, as, func(as *v1alpha1.AuthorizationServer) {
		as.Status.SigningKeys = append(as.Status.SigningKeys, v1alpha1.SigningKeyStatus{KID: "unpublished", Algorithm: v1alpha1.ES256, Phase: v1alpha1.KeyActive, Created: as.CreationTimestamp})
	})
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkEndpoints)
	o.has(t, checkEndpoints, fail, endpointsOf+"key unpublished signs, and is not in the JWKS", "do: kubectl -n clientele-system get authorizationserver default -o jsonpath='{.status.signingKeys}'")
}

// A server at the address of another one is not taken for it.
func TestAnotherServerAtItsAddress(t *testing.T) {
	w := newWorld(t)
	answers := map[string]func(http.ResponseWriter){
		"another issuer": func(rw http.ResponseWriter) {
			_, _ = rw.Write([]byte(`{"issuer": "https://other.example", "jwks_uri": "https://other.example/jwks"}`))
		},
		"an error": func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusBadGateway) },
		"no JSON":  func(rw http.ResponseWriter) { _, _ = rw.Write([]byte("<html>")) },
		"other keys": func(rw http.ResponseWriter) {
			_, _ = rw.Write([]byte(`{"issuer": "` + w.issuer + `", "jwks_uri": "https://other.example/jwks"}`))
		},
		"a redirect": func(rw http.ResponseWriter) {
			rw.Header().Set("Location", "https://other.example")
			rw.WriteHeader(http.StatusFound)
		},
		"late clocks": func(rw http.ResponseWriter) {
			rw.Header().Set("Date", time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat))
		},
	}
	answer := answers["no JSON"]
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { answer(rw) }))
	s.Start() // plain http: it is on loopback
	t.Cleanup(s.Close)
	_, number, err := net.SplitHostPort(s.Listener.Addr().String())
	must(t, err)
	w.issuer = "http://localhost:" + number
	as := w.authorizationServer()
	as.Spec.Unmanaged = nil
	w.create(t, as)
	w.lease(t, "op", time.Now())
	w.says(t, as, said(v1alpha1.ConditionReady, "True", v1alpha1.ReasonServing, ""))
	for name, want := range map[string]string{
		"another issuer": endpointsOf + "another issuer: the metadata at " + w.issuer + "/.well-known/oauth-authorization-server is of \"https://other.example\"",
		"an error":       endpointsOf + "the metadata cannot be read: GET " + w.issuer + "/.well-known/oauth-authorization-server answers 502",
		"no JSON":        endpointsOf + "the metadata cannot be read: GET ",
		"other keys":     endpointsOf + "the keys cannot be read: ",
		"a redirect":     endpointsOf + "the metadata cannot be read: GET " + w.issuer + "/.well-known/oauth-authorization-server answers 302",
	} {
		answer = answers[name]
		o := w.check(t, w.caller)
		o.has(t, checkEndpoints, fail, want, describeDefault)
		if name == "other keys" && !strings.Contains(o.text(), "other.example:443 is not where the server is") {
			t.Errorf("it asks another host:\n%s", o.text())
		}
	}
	answer = answers["late clocks"]
	w.check(t, w.caller).has(t, checkClocks, fail, "clock of AuthorizationServer clientele-system/default - it is ", "behind the API server's", "do: timedatectl timesync-status")
}
