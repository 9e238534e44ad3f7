package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
)

// tokenLifetime is the least that the API server allows.
const tokenLifetime = 10 * time.Minute

// connection is an authorization server that can be called, and what its errors
// are explained with.
type connection struct {
	server          *registrar.Server
	object, account registrar.Key
	// url that the server is called at; command is ours.
	url, command string
	forward      forwarding
}

// connect finds the server. It does not call it yet.
func (f *flags) connect(ctx context.Context) (connection, error) {
	object, err := split("authorization-server", f.server)
	if err != nil {
		return connection{}, err
	}
	account, err := split("service-account", f.account)
	if err != nil {
		return connection{}, err
	}
	api, err := f.client()
	if err != nil {
		return connection{}, err
	}
	as := &v1alpha1.AuthorizationServer{}
	if err := api.Get(ctx, object, as); err != nil {
		return connection{}, explainObject(err, object)
	}
	o := registrar.Options{
		Tokens:  registrar.ServiceAccount{Client: api, Namespace: account.Namespace, Name: account.Name, Lifetime: tokenLifetime},
		Bundles: registrar.ReadBundles{Client: api},
		Now:     f.Now,
	}
	c := connection{object: object, account: account, url: registrar.URL(as), forward: forwardable(as), command: f.name}
	if f.url != "" {
		if as, err = elsewhere(as, &o, f.url); err != nil {
			return connection{}, err
		}
		c.url = f.url
	}
	c.server = registrar.NewServers(o).For(as)
	return c, nil
}

// client of the API server, with the rights of the kubeconfig.
func (f *flags) client() (client.Client, error) {
	config, err := f.restConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig (--kubeconfig and --context choose): %w", err)
	}
	config.UserAgent = f.UserAgent
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("build the scheme: %w", err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return c, nil
}

func (f *flags) restConfig() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

// forwarding is what `kubectl port-forward` is told to reach a server.
type forwarding struct{ to, port string }

// forwardable says how to reach a server's registrar API by a forwarded port.
func forwardable(as *v1alpha1.AuthorizationServer) forwarding {
	port := strconv.Itoa(v1alpha1.PortHTTPS)
	switch u := as.Spec.Unmanaged; {
	case as.Spec.Type == v1alpha1.AuthorizationServerManaged:
		return forwarding{"service/" + v1alpha1.RegistrarServiceName(as.Name), strconv.Itoa(v1alpha1.PortRegistrar)}
	case u != nil && u.RegistrarURL != "":
		port = strconv.Itoa(v1alpha1.PortRegistrar)
		if at, err := url.Parse(u.RegistrarURL); err == nil && at.Port() != "" {
			port = at.Port()
		}
	}
	return forwarding{"<the server's Pod or Service>", port}
}

// elsewhere makes another URL the one by which the server is reached. Behind a
// forwarded port its certificate is still the one of where it usually is.
func elsewhere(as *v1alpha1.AuthorizationServer, o *registrar.Options, to string) (*v1alpha1.AuthorizationServer, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("--url %q: want a URL such as https://127.0.0.1:8443", to)
	}
	if host, err := url.Parse(registrar.URL(as)); err == nil && loopback(u.Hostname()) && host.Scheme == "https" {
		o.CertificateName = host.Hostname()
	}
	return registrar.Elsewhere(as, strings.TrimSuffix(to, "/")), nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
