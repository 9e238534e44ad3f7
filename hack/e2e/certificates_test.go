package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// operator is its Deployment.
func operator() *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "clientele-operator"}}
}

// scaleOperator, and wait until as many Pods run.
func scaleOperator(t testing.TB, replicas int32) {
	t.Helper()
	the.Kubectl(t, "scale", "deployment", "clientele-operator", "-n", systemNamespace, fmt.Sprintf("--replicas=%d", replicas))
	cluster.Await(t, the, operator(), 90*time.Second, fmt.Sprintf("the operator was scaled to %d", replicas), allServe(replicas))
}

const operatorReplicas = 2

// withOperatorArgument restarts the operator with one more argument, until the scenario
// ends.
func withOperatorArgument(t testing.TB, argument string) {
	t.Helper()
	d := operator()
	if err := the.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		t.Fatal(err)
	}
	before := d.Spec.Template.Spec.Containers[0].Args
	set := func(ctx context.Context, args []string) error {
		text, err := json.Marshal(args)
		if err != nil {
			return err
		}
		_, err = the.Run(ctx, "", "kubectl", "patch", "deployment", d.Name, "-n", d.Namespace, "--type=json",
			"-p", `[{"op":"replace","path":"/spec/template/spec/containers/0/args","value":`+string(text)+`}]`)
		return err
	}
	back := undo(func() {
		if err := set(context.Background(), before); err != nil {
			fmt.Println("e2e: clean up:", err)
		}
	})
	t.Cleanup(back)
	if err := set(t.Context(), append(append([]string{}, before...), argument)); err != nil {
		t.Fatal(err)
	}
	cluster.Await(t, the, d, 90*time.Second, "the operator was restarted with "+argument, allServe(operatorReplicas))
}

// A certificate that expired while the operator was down is renewed within two minutes
// of its start, and so is the trust in it: no client has to do anything.
func TestLongCertificateExpiredWhileTheOperatorWasDown(t *testing.T) {
	installation(t)
	the.NeedNode(t)
	const name = "brief"
	t.Cleanup(func() { removeServer(t, name) })
	withOperatorArgument(t, "--certificate-lifetime=1m")
	the.Apply(t, serverManifest(name, "{storage: {type: Embedded}}"))
	cluster.Ready(t, the, server(name), time.Minute, "a server with a certificate of one minute was applied")
	the.Namespace(t, "brief")
	a := newApp(t, "brief", "orders", name)
	a.mustWork(t, "with a certificate of one minute")

	back := undo(func() { restoreOperator() })
	defer back()
	scaleOperator(t, 0)
	c := a.client(t)
	cluster.Eventually(t, 2*time.Minute, "the operator, which renews the certificate of one minute, is down", func(ctx context.Context) error {
		_, err := a.token(ctx, c)
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			return nil
		}
		return fmt.Errorf("the certificate has not expired: error %v", err)
	})
	start := time.Now()
	scaleOperator(t, operatorReplicas)
	condition(t, name, 2*time.Minute, "the operator is back", v1alpha1.ConditionCertificateReady, metav1.ConditionTrue, v1alpha1.ReasonIssued)
	cluster.Eventually(t, 2*time.Minute-time.Since(start), "the operator is back", func(ctx context.Context) error {
		_, err := a.token(ctx, c)
		return err
	})
	figure(t, "operator started → expired certificate replaced, tokens again", seconds(time.Since(start)), "< 120 s")
}

func restoreOperator() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := the.Run(ctx, "", "kubectl", "scale", "deployment", "clientele-operator", "-n", systemNamespace, fmt.Sprintf("--replicas=%d", operatorReplicas)); err != nil {
		fmt.Println("e2e: clean up:", err)
	}
}

// A CA that is rotated, and one whose Secret was lost, are replaced without a failure
// for clients that read ConfigMap X-ca again. A lost serving certificate is issued anew.
func TestCARotatedOrLost(t *testing.T) {
	t.Parallel()
	installation(t)
	the.NeedNode(t)
	const rotated, lost = "turning", "careless"
	for _, name := range []string{rotated, lost} {
		t.Cleanup(func() { removeServer(t, name) })
		the.Apply(t, serverManifest(name, "{tls: {generated: {caOverlap: 30s}}}"))
	}
	readers := map[string]*reReader{}
	for _, name := range []string{rotated, lost} {
		cluster.Ready(t, the, server(name), time.Minute, "a server with caOverlap 30s was applied")
		readers[name] = reRead(t, name)
	}

	the.Kubectl(t, "annotate", "authorizationserver", rotated, "-n", systemNamespace, v1alpha1.AnnotationRotateCA+"=now")
	the.Kubectl(t, "delete", "secret", serviceName(lost)+"-ca", serviceName(lost)+"-tls", "-n", systemNamespace)
	for _, name := range []string{rotated, lost} {
		r := readers[name]
		cluster.Eventually(t, 3*time.Minute, "the CA of "+name+" is to be replaced, 30 s after the next is in the bundle", func(ctx context.Context) error {
			return r.servedByNewCA(ctx)
		})
		if asked, failed := r.stop(); len(failed) > 0 || asked < 100 {
			t.Errorf("%d of %d requests of a client that reads ConfigMap %s-ca before each failed: %v", len(failed), asked, serviceName(name), failed[:min(3, len(failed))])
		}
		cluster.Ready(t, the, server(name), time.Minute, "the CA was replaced")
	}
	if t.Failed() {
		return
	}
	// The operator trusts the new CA too.
	the.Namespace(t, "turned")
	for _, name := range []string{rotated, lost} {
		newApp(t, "turned", name, name).mustWork(t, "a client that was applied after the CA was replaced")
	}
}

// reReader is a client that reads the CA again before each request.
type reReader struct {
	server  string
	address string
	before  []*x509.Certificate
	end     context.CancelFunc
	done    sync.WaitGroup

	asked  int
	failed []error
}

func reRead(t testing.TB, server string) *reReader {
	t.Helper()
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &reReader{server: server, address: address(t, serviceName(server)), end: end}
	var err error
	if r.before, err = r.bundle(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	r.done.Go(func() {
		every := time.NewTicker(250 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			r.asked++
			if err := r.once(context.WithoutCancel(ctx)); err != nil {
				r.failed = append(r.failed, err)
			}
		}
	})
	return r
}

func (r *reReader) stop() (asked int, failed []error) {
	r.end()
	r.done.Wait()
	return r.asked, r.failed
}

// bundle is what ConfigMap X-ca holds now.
func (r *reReader) bundle(ctx context.Context) ([]*x509.Certificate, error) {
	var m corev1.ConfigMap
	if err := the.Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: serviceName(r.server) + "-ca"}, &m); err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for rest := []byte(m.Data["ca.crt"]); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("ConfigMap %s holds no certificate", m.Name)
	}
	return all, nil
}

func (r *reReader) once(ctx context.Context) error {
	bundle, err := r.bundle(ctx)
	if err != nil {
		return err
	}
	return r.metadata(ctx, bundle)
}

// metadata of the server is read on a new connection, trusting some CAs only.
func (r *reReader) metadata(ctx context.Context, trusted []*x509.Certificate) error {
	roots := x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, r.address)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots},
	}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer(r.server)+"/.well-known/oauth-authorization-server", nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the metadata: %s", resp.Status)
	}
	return nil
}

// servedByNewCA: the certificate that is served is of a CA that the bundle did not hold
// at first.
func (r *reReader) servedByNewCA(ctx context.Context) error {
	now, err := r.bundle(ctx)
	if err != nil {
		return err
	}
	var added []*x509.Certificate
	for _, c := range now {
		old := false
		for _, b := range r.before {
			old = old || bytes.Equal(b.Raw, c.Raw)
		}
		if !old {
			added = append(added, c)
		}
	}
	if len(added) == 0 {
		return errors.New("the bundle has no new CA")
	}
	return r.metadata(ctx, added)
}
