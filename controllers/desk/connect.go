package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
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
	c, err := f.client()
	if err != nil {
		return connection{}, err
	}
	as := &v1alpha1.AuthorizationServer{}
	if err := c.Get(ctx, object, as); err != nil {
		return connection{}, explainObject(err, object)
	}
	o := registrar.Options{
		Tokens:  registrar.ServiceAccount{Client: c, Namespace: account.Namespace, Name: account.Name, Lifetime: tokenLifetime},
		Bundles: registrar.ReadBundles{Client: c},
		Now:     f.Now,
	}
	if f.url != "" {
		if err := forward(as, &o, f.url); err != nil {
			return connection{}, err
		}
	}
	at := as.Spec.Issuer
	if u := as.Spec.Unmanaged; u != nil && u.URL != "" {
		at = u.URL
	}
	return connection{server: registrar.NewServers(o).For(as), object: object, account: account, url: at, command: f.name}, nil
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

// forward makes another URL the one by which the server is reached. Behind a
// forwarded port its certificate is still the one of where it usually is.
func forward(as *v1alpha1.AuthorizationServer, o *registrar.Options, to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("--url %q: want a URL such as https://127.0.0.1:8443", to)
	}
	usual := as.Spec.Issuer
	if as.Spec.Unmanaged == nil {
		as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{}
	} else if as.Spec.Unmanaged.URL != "" {
		usual = as.Spec.Unmanaged.URL
	}
	if host, err := url.Parse(usual); err == nil && loopback(u.Hostname()) && host.Scheme == "https" {
		o.CertificateName = host.Hostname()
	}
	as.Spec.Unmanaged.URL = strings.TrimSuffix(to, "/")
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
