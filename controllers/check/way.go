package check

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/forward"
)

// way is how a port of a server is reached from here.
type way struct {
	// words for people: by what it is reached.
	words string
	dial  func(ctx context.Context) (net.Conn, error)
}

// try opens a connection and closes it.
func (w way) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// direct is the way to an address, such as a Service's from inside the cluster.
func direct(address string) way {
	return way{words: address, dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
}

// toURL is the way to where a URL leads.
func toURL(text string) (way, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return way{}, fmt.Errorf("%q is no URL", text)
	}
	port := cmp.Or(u.Port(), map[string]string{"https": "443", "http": "80"}[u.Scheme])
	return direct(net.JoinHostPort(u.Hostname(), port)), nil
}

// wayTo is the way to a port of a Managed server: by its Service inside the cluster, by
// a forwarded port of a ready Pod outside. ctx is the round's: the forwarded port ends
// with it.
func (k *checker) wayTo(ctx context.Context, s *server, service string, servicePort, podPort int) way {
	if k.inCluster {
		return direct(net.JoinHostPort(fmt.Sprintf("%s.%s.svc", service, s.Namespace), strconv.Itoa(servicePort)))
	}
	i := slices.IndexFunc(s.pods, func(p corev1.Pod) bool { return podReady(&p) })
	if i < 0 {
		i = 0
	}
	pod := s.pods[i].Name
	w := way{words: fmt.Sprintf("port %d of Pod %s, forwarded", podPort, pod)}
	address := ""
	w.dial = func(dialing context.Context) (net.Conn, error) {
		if address == "" {
			var err error
			if address, err = forward.Port(ctx, k.config, s.Namespace, pod, podPort); err != nil {
				return nil, err
			}
		}
		return (&net.Dialer{}).DialContext(dialing, "tcp", address)
	}
	return w
}

// unmanagedURLs are where the operator reaches the registrar API of an Unmanaged server,
// and its public endpoints.
func unmanagedURLs(s *server) (registrar, public string) {
	public = s.Spec.Issuer
	u := s.Spec.Unmanaged
	if u == nil {
		u = &v1alpha1.UnmanagedServer{}
	}
	public = cmp.Or(u.URL, public)
	return cmp.Or(u.RegistrarURL, public), public
}
