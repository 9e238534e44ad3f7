package plane

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
	"k8s.io/client-go/rest"
)

// StartAPIServer starts kube-apiserver on the running etcd and waits until it
// is ready, its default RBAC roles included.
func (p *Plane) StartAPIServer(ctx context.Context) error {
	creds, err := newCredentials(p.dir)
	if err != nil {
		return err
	}
	var host string
	spec := func() (child.Spec, error) {
		port, err := FreePort()
		host = fmt.Sprintf("https://127.0.0.1:%d", port)
		return p.apiServerSpec(creds, port), err
	}
	proc, err := startReady(ctx, spec, func(ctx context.Context) error {
		return p.apiServerReady(ctx, host, creds.adminToken)
	})
	if err != nil {
		return err
	}
	p.running = append(p.running, proc)
	p.admin = adminConfig(host, p.path("certs/apiserver.crt"), creds.adminToken)
	return nil
}

func (p *Plane) apiServerSpec(c credentials, port int) child.Spec {
	return child.Spec{
		Name: "kube-apiserver",
		Path: p.assets[assets.APIServer],
		Log:  p.log("kube-apiserver"),
		Args: []string{
			"--etcd-servers=" + p.etcdURL,
			"--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port),
			"--cert-dir=" + p.path("certs"),
			"--endpoint-reconciler-type=none",
			"--service-cluster-ip-range=10.0.0.0/24",
			"--authorization-mode=RBAC",
			"--token-auth-file=" + c.tokenFile,
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + c.signingKey,
			"--service-account-signing-key-file=" + c.signingKey,
			// Its controller does not run here, so the ServiceAccounts it
			// would insist on would never appear.
			"--disable-admission-plugins=ServiceAccount",
		},
	}
}

func (p *Plane) apiServerReady(ctx context.Context, host, token string) error {
	// The content, and not the file's name: client-go keeps what it read first of a file
	// for minutes, and the API server may be in the middle of writing it.
	ca, err := os.ReadFile(p.path("certs/apiserver.crt"))
	if err != nil {
		return err // the certificate is not written yet
	}
	transport, err := rest.TransportFor(&rest.Config{Host: host, TLSClientConfig: rest.TLSClientConfig{CAData: ca}})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport}
	// It makes the system namespaces a moment after it says it is ready.
	for _, path := range []string{"/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default"} {
		if err := GetOK(ctx, client, host+path, token); err != nil {
			return err
		}
	}
	return nil
}

func adminConfig(host, ca, token string) *rest.Config {
	return &rest.Config{
		Host:            host,
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: ca},
		QPS:             -1, // the API server's own fairness is limit enough
	}
}
