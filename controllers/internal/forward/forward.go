// Package forward reaches a port of a Pod through the API server, as kubectl
// port-forward does.
package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// Port listens on a port of 127.0.0.1 that the kernel chooses, until ctx ends, and
// connects it with a port of a Pod. It returns host:port. That nothing listens in the
// Pod shows when a connection is used. It needs verb create on pods/portforward.
func Port(ctx context.Context, config *rest.Config, namespace, pod string, port int) (string, error) {
	dialer, err := newDialer(config, namespace, pod)
	if err != nil {
		return "", fmt.Errorf("forward a port to Pod %s/%s: %w", namespace, pod, err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddressesForStreamingWithContext(ctx, dialer, []string{"127.0.0.1"}, []string{"0:" + strconv.Itoa(port)}, ready, io.Discard, io.Discard)
	if err != nil {
		return "", fmt.Errorf("forward a port to Pod %s/%s: %w", namespace, pod, err)
	}
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-ended:
		return "", fmt.Errorf("forward a port to Pod %s/%s: %w", namespace, pod, err)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return "", fmt.Errorf("forward a port to Pod %s/%s: %w", namespace, pod, err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[0].Local), nil
}

// newDialer prefers WebSockets, and falls back to SPDY where a proxy or an older API
// server knows none.
func newDialer(config *rest.Config, namespace, pod string) (httpstream.Dialer, error) {
	host, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	at := host.JoinPath("api", "v1", "namespaces", namespace, "pods", pod, "portforward")
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	overWebSocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(at, config)
	if err != nil {
		return nil, err
	}
	overSPDY := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, at)
	return portforward.NewFallbackDialerForStreaming(overWebSocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}
