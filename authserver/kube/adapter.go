package kube

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/signin"
)

// Options of an Adapter. Every field is required, but ClusterID.
type Options struct {
	// Outbound asks upstream providers.
	Outbound *http.Client
	// Config reaches the API server.
	Config *rest.Config
	// Namespace and Name of the AuthorizationServer.
	Namespace, Name string
	// ClusterID is Owner.Cluster of what registrars of this cluster register. Empty: the
	// uid of namespace kube-system, which the server then has to be allowed to read.
	ClusterID string
	Log       *slog.Logger
	Now       func() time.Time
}

// Adapter implements authserver.Source and endpoint.RegistrarAuthorizer.
type Adapter struct {
	client    client.WithWatch
	namespace string
	name      string
	log       *slog.Logger
	now       func() time.Time

	uid     atomic.Pointer[string] // of the AuthorizationServer, as seen last
	cluster atomic.Pointer[string]
	reviews *reviews

	// people is Run's alone, but for its local users.
	people     people
	upstreams  atomic.Pointer[signin.Upstreams]
	serverKeys atomic.Pointer[credential.ServerKeys] // as read last
	outbound   *http.Client
}

var clusterIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// New makes an Adapter. It does not speak to the API server yet.
func New(o Options) (*Adapter, error) {
	if o.Config == nil || o.Namespace == "" || o.Name == "" || o.Outbound == nil || o.Log == nil || o.Now == nil {
		return nil, errors.New("kube: Config, Namespace, Name, Outbound, Log and Now are required")
	}
	if o.ClusterID != "" && !clusterIDs.MatchString(o.ClusterID) {
		return nil, fmt.Errorf("kube: cluster id %q: want at most 128 letters, digits, dots, hyphens and underscores", o.ClusterID)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("kube: build the scheme: %w", err)
	}
	config := rest.CopyConfig(o.Config)
	config.QPS = -1 // the API server's priority and fairness governs
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("kube: make a client: %w", err)
	}
	a := &Adapter{
		client:    c,
		namespace: o.Namespace,
		name:      o.Name,
		log:       o.Log,
		now:       o.Now,
		reviews:   newReviews(o.Now),
		people:    people{secrets: map[string]*watchedSecret{}, good: map[v1alpha1.SecretKeyReference]credential.Secret{}},
		outbound:  o.Outbound,
	}
	if o.ClusterID != "" {
		a.cluster.Store(&o.ClusterID)
	}
	return a, nil
}
