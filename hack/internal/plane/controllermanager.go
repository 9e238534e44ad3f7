package plane

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
)

// StartControllerManager starts the two controllers that objects' ends depend
// on: garbage collection (ownerReferences) and namespace deletion.
func (p *Plane) StartControllerManager(ctx context.Context) error {
	kubeconfig := p.path("controller-manager.kubeconfig")
	if err := WriteKubeconfig(kubeconfig, p.admin, ""); err != nil {
		return err
	}
	var port int
	spec := func() (s child.Spec, err error) {
		port, err = FreePort()
		return p.controllerManagerSpec(kubeconfig, port), err
	}
	// Its certificate is made up at its start and answers nothing secret.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	proc, err := startReady(ctx, spec, func(ctx context.Context) error {
		return GetOK(ctx, client, fmt.Sprintf("https://127.0.0.1:%d/healthz", port), "")
	})
	if err != nil {
		return err
	}
	p.running = append(p.running, proc)
	return nil
}

func (p *Plane) controllerManagerSpec(kubeconfig string, port int) child.Spec {
	return child.Spec{
		Name: "kube-controller-manager",
		Path: p.assets[assets.ControllerManager],
		Log:  p.log("kube-controller-manager"),
		Args: []string{
			"--kubeconfig=" + kubeconfig,
			"--controllers=garbage-collector-controller,namespace-controller",
			"--bind-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port),
			"--cert-dir=" + p.path("certs-controller-manager"),
			"--leader-elect=false",
			"--kube-api-qps=500",
			"--kube-api-burst=1000",
		},
	}
}
