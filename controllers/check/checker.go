package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// requestTimeout bounds one request.
const requestTimeout = 10 * time.Second

// checker checks one installation. What it found out in a round, the later checks of
// the round use.
type checker struct {
	Options
	flags
	server, oauthClient client.ObjectKey
	config              *rest.Config
	api                 *http.Client // of the API server
	c                   client.Client
	// inCluster: in a Pod, from which Services are reached.
	inCluster bool

	report
	// ahead is how far the API server's clock is ahead of this machine's.
	ahead time.Duration
	// crds says that all CRDs are served.
	crds bool
	// deployment of the operator; nil: none that may be read.
	deployment *appsv1.Deployment
	// operatorPods are the operator's; none: unknown, or there are none.
	operatorPods []corev1.Pod
	servers      []*server
}

// server is an AuthorizationServer.
type server struct {
	*v1alpha1.AuthorizationServer
	// pods of a Managed one.
	pods []corev1.Pod
	// reached says that the public port takes connections from here.
	reached bool
	// unreached says that the caller may not reach its Pods.
	unreached bool
	// way to the public endpoints, and their URL there: the issuer, or where an Unmanaged
	// server is reached in its place.
	way  way
	base string
	// metadata as it serves them; nil: they could not be read.
	metadata *metadata
	// client of the public endpoints.
	client *http.Client
}

func (s *server) String() string { return s.Namespace + "/" + s.Name }

func (s *server) managed() bool { return s.Spec.Type == v1alpha1.AuthorizationServerManaged }

func newChecker(o Options, f flags) (*checker, error) {
	if f.output != "text" && f.output != "json" {
		return nil, fmt.Errorf("--output %q: want text or json", f.output)
	}
	k := &checker{Options: o, flags: f}
	var err error
	if k.server, err = split("authorization-server", f.server); err != nil {
		return nil, err
	}
	if k.oauthClient, err = split("client", f.client); err != nil {
		return nil, err
	}
	if k.config, err = f.restConfig(); err != nil {
		return nil, fmt.Errorf("find the API server (--kubeconfig names a file): %w", err)
	}
	k.inCluster = f.kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" && os.Getenv("KUBERNETES_SERVICE_HOST") != ""
	k.config.UserAgent, k.config.QPS, k.config.Timeout = o.UserAgent, -1, requestTimeout
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("build the scheme: %w", err)
	}
	if k.api, err = rest.HTTPClientFor(k.config); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	if k.c, err = client.New(k.config, client.Options{Scheme: scheme, HTTPClient: k.api}); err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return k, nil
}

func (f flags) restConfig() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

// round does all checks. The error says that there is no API server to ask.
func (k *checker) round(ctx context.Context) (report, error) {
	ctx, cancel := context.WithCancel(ctx) // ends forwarded ports
	defer cancel()
	k.report, k.ahead, k.crds, k.deployment, k.operatorPods, k.servers = report{}, 0, false, nil, nil, nil
	if err := k.checkAPIServer(ctx); err != nil {
		return report{}, err
	}
	k.checkCRDs(ctx)
	k.checkOperator(ctx)
	k.checkRights(ctx)
	if k.crds {
		k.checkServers(ctx)
		k.checkPorts(ctx)
		k.checkEndpoints(ctx)
		k.checkToken(ctx)
	}
	k.checkClocks()
	return k.report, nil
}

func (k *checker) ok(check, what, why string) {
	k.Findings = append(k.Findings, finding{Check: check, Level: ok, What: what, Why: why})
}

func (k *checker) warn(check, what, why, do string) {
	k.Findings = append(k.Findings, finding{check, warn, what, why, do})
}

func (k *checker) fail(check, what, why, do string) {
	k.Findings = append(k.Findings, finding{check, fail, what, why, do})
}

// unread says that something could not be read: a warning if it is forbidden.
func (k *checker) unread(check, what string, err error) {
	if apierrors.IsForbidden(err) {
		k.warn(check, what, "you may not read it ("+message(err)+"); a cluster admin can let you", bindRole)
		return
	}
	k.fail(check, what, "it cannot be read: "+message(err), "kubectl get --raw='/readyz?verbose'")
}

// asMe names the caller to kubectl.
const asMe = `--user="$(kubectl auth whoami -o jsonpath='{.status.userInfo.username}')"`

// bindRole lets the caller read what is checked, and nothing else.
const bindRole = "kubectl create clusterrolebinding clientele-check --clusterrole=clientele-check " + asMe

// message is what an API error says, without the kinds of Go.
func message(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return cmp.Or(status.Status().Message, err.Error())
	}
	return err.Error()
}

// now by the API server's clock.
func (k *checker) now() time.Time { return k.Now().Add(k.ahead) }

// install is the command that puts back what an installation consists of. Applied over an
// installation of other values, config would change them: in scope Namespaces it would let
// the operator read every Secret. So where it is not known that the operator was installed
// from there, the command only shows how it was.
func (k *checker) install() string {
	const show = "kubectl get deployments -A -l app.kubernetes.io/name=clientele --show-labels"
	if k.deployment == nil {
		return show
	}
	if release := k.deployment.Annotations["meta.helm.sh/release-name"]; release != "" {
		namespace := cmp.Or(k.deployment.Annotations["meta.helm.sh/release-namespace"], k.namespace)
		return fmt.Sprintf("helm upgrade %s charts/clientele -n %s --reset-then-reuse-values", release, namespace)
	}
	if k.deployment.Labels["app.kubernetes.io/managed-by"] != "" {
		return show // rendered by Helm, and applied by something else, such as Argo CD
	}
	return "kubectl apply --server-side -k config"
}
