package plane

import (
	"context"
	"fmt"
	"net/http"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/child"
)

// StartEtcd starts etcd and waits until it answers. It writes without fsync:
// the data is thrown away, and a disk flush per write is most of its time.
func (p *Plane) StartEtcd(ctx context.Context) error {
	proc, err := startReady(ctx, p.etcdSpec, func(ctx context.Context) error {
		return GetOK(ctx, http.DefaultClient, p.etcdURL+"/readyz", "")
	})
	if err != nil {
		return err
	}
	p.running = append(p.running, proc)
	return nil
}

func (p *Plane) etcdSpec() (child.Spec, error) {
	client, err := FreePort()
	if err != nil {
		return child.Spec{}, err
	}
	peer, err := FreePort()
	if err != nil {
		return child.Spec{}, err
	}
	p.etcdURL = fmt.Sprintf("http://127.0.0.1:%d", client)
	peerURL := fmt.Sprintf("http://127.0.0.1:%d", peer)
	return child.Spec{
		Name: "etcd",
		Path: p.assets[assets.Etcd],
		Log:  p.log("etcd"),
		Args: []string{
			"--data-dir=" + p.path("etcd"),
			"--listen-client-urls=" + p.etcdURL,
			"--advertise-client-urls=" + p.etcdURL,
			"--listen-peer-urls=" + peerURL,
			"--initial-advertise-peer-urls=" + peerURL,
			"--initial-cluster=default=" + peerURL,
			"--unsafe-no-fsync",
			"--log-level=warn",
		},
	}, nil
}
