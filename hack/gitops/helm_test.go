package gitops

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/hack/testenv"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// How a wait of Helm ends.
const (
	goesOn   = "goes on"  // all is Current
	givesUp  = "gives up" // at once, for an object is Failed
	timesOut = "times out"
)

// helm is the client of Helm 4.
type helm struct{ *kube.Client }

func newHelm(t *testing.T) helm {
	t.Helper()
	return helm{kube.New(&genericclioptions.ConfigFlags{KubeConfig: new(kubeconfig(t))})}
}

// kubeconfig writes the administrator's configuration into a file.
func kubeconfig(t *testing.T) string {
	t.Helper()
	c := testenv.Config()
	if err := rest.LoadTLSFiles(c); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: c.Host, CertificateAuthorityData: c.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: c.CertData, ClientKeyData: c.KeyData, Token: c.BearerToken,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// wait is helm --wait for objects that are there. It says how that ended, and what Helm
// says.
func (h helm) wait(t *testing.T, w *world, timeout time.Duration, objects ...client.Object) (end, message string) {
	t.Helper()
	resources, waiter := h.prepare(t, w, objects...)
	err := waiter.Wait(resources, timeout)
	switch {
	case err == nil:
		return goesOn, ""
	case errors.Is(err, context.DeadlineExceeded):
		return timesOut, err.Error()
	default:
		return givesUp, err.Error()
	}
}

func (h helm) prepare(t *testing.T, w *world, objects ...client.Object) (kube.ResourceList, kube.Waiter) {
	t.Helper()
	var manifest strings.Builder
	for _, obj := range objects {
		gvk, err := w.GroupVersionKindFor(obj)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&manifest, "---\napiVersion: %s\nkind: %s\nmetadata: {namespace: %q, name: %q}\n",
			gvk.GroupVersion(), gvk.Kind, obj.GetNamespace(), obj.GetName())
	}
	resources, err := h.Build(strings.NewReader(manifest.String()), false)
	if err != nil {
		t.Fatal(err)
	}
	waiter, err := h.GetWaiter(kube.StatusWatcherStrategy)
	if err != nil {
		t.Fatal(err)
	}
	return resources, waiter
}

// A deployed object that is being deleted: helm uninstall --wait waits until it is gone.
func TestHelmWaitsForDeletion(t *testing.T) {
	w, h := newWorld(t), newHelm(t)
	oac := oauthClient(w.namespace(t, allowed), "held")
	oac.Finalizers = []string{"gitops.test/hold"}
	w.create(t, oac)
	if err := w.Delete(t.Context(), oac); err != nil {
		t.Fatal(err)
	}
	resources, waiter := h.prepare(t, w, oac)
	if err := waiter.WaitForDelete(resources, 2*time.Second); err == nil || !strings.Contains(err.Error(), "Terminating") {
		t.Errorf("an object that is held by a finalizer: %v", err)
	}
	if status, _ := health(t, w.read(t, oac)); status != "Progressing" {
		t.Errorf("Argo CD's health is %s", status) // Argo CD itself says so before it asks the script
	}
	w.patch(t, oac, `{"metadata":{"finalizers":null}}`)
	if err := waiter.WaitForDelete(resources, time.Minute); err != nil {
		t.Error(err)
	}
}
