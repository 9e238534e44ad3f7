// Package cluster is the cluster that a scenario works on: it applies, waits, runs
// Pods, and says what the cluster looked like when something did not come true.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// Cluster that KUBECONFIG names.
type Cluster struct {
	client.WithWatch
	Kubernetes kubernetes.Interface
	Config     *rest.Config
	// Node is the node that the Pods run on, the first of the cluster.
	Node corev1.Node
	// Lab is set where the cluster is one of shared/lab, and its processes and files can
	// be reached.
	Lab *Lab
}

// Lab is where shared/lab keeps a running cluster.
type Lab struct{ State string }

// PID of one of the lab's processes, "apiserver".
func (l *Lab) PID(t testing.TB, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.State, "pids", name))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatalf("the lab's pid of %s: %v", name, err)
	}
	return pid
}

// Open the cluster that KUBECONFIG names. LAB_STATE says that it is a lab.
func Open(ctx context.Context) (*Cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // the API server's own fairness is limit enough
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	c := &Cluster{Config: config}
	if c.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	if c.Kubernetes, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	nodes, err := c.Kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	if len(nodes.Items) == 0 {
		return nil, errors.New("the cluster has no node")
	}
	c.Node = nodes.Items[0]
	if state := os.Getenv("LAB_STATE"); state != "" {
		c.Lab = &Lab{State: state}
	}
	return c, nil
}

// NodeAddress is the first node's address inside the cluster.
func (c *Cluster) NodeAddress() string {
	for _, a := range c.Node.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// OnNode reports whether this process is in the node's network, so that Pods can
// reach it, and it the addresses of Services.
func (c *Cluster) OnNode() bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if ipnet, ok := a.(*net.IPNet); ok && ipnet.IP.String() == c.NodeAddress() {
			return true
		}
	}
	return false
}

// NeedNode skips a scenario that only a process in the node's network can play.
func (c *Cluster) NeedNode(t testing.TB) {
	t.Helper()
	if !c.OnNode() {
		t.Skip("skipped: this process is not in the node's network, as it is under hack/e2e/on-lab (hack/e2e/README.md, \"On another cluster\")")
	}
}

// NeedLab skips a scenario that reaches into the lab's processes and files.
func (c *Cluster) NeedLab(t testing.TB) {
	t.Helper()
	if c.Lab == nil {
		t.Skip("skipped: this scenario stops processes of the control plane or fills a volume, which only hack/e2e/on-lab can")
	}
}

// Run a program of PATH (kubectl, helm, iptables) with what to read as its input,
// and return what it printed to its output. The error holds what it printed to its
// standard error.
func (c *Cluster) Run(ctx context.Context, input, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	// On an interrupt helm gives up in order; killed, it leaves a release "pending".
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, out.String(), errOut.String())
	}
	return out.String(), nil
}

// Must is Run of what has to succeed, also while a scenario cleans up.
func (c *Cluster) Must(t testing.TB, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
	defer cancel()
	out, err := c.Run(ctx, "", program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Kubectl that has to succeed.
func (c *Cluster) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return c.Must(t, "kubectl", args...)
}

// Helm that has to succeed.
func (c *Cluster) Helm(t testing.TB, args ...string) string {
	t.Helper()
	return c.Must(t, "helm", args...)
}

// Apply manifests as a user of kubectl does.
func (c *Cluster) Apply(t testing.TB, manifests string) {
	t.Helper()
	if _, err := c.Run(t.Context(), manifests, "kubectl", "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// Namespace makes a namespace in which only Pods may run that Pod Security calls
// restricted, and removes it when the scenario ends.
func (c *Cluster) Namespace(t testing.TB, name string) {
	t.Helper()
	c.Apply(t, `
apiVersion: v1
kind: Namespace
metadata: {name: `+name+`, labels: {pod-security.kubernetes.io/enforce: restricted}}`)
	t.Cleanup(func() {
		if err := c.RemoveNamespaces(name); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}

// RemoveNamespaces with all that is in them, and wait until they are gone.
func (c *Cluster) RemoveNamespaces(names ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := append([]string{"delete", "namespace", "--ignore-not-found", "--wait"}, names...)
	_, err := c.Run(ctx, "", "kubectl", args...)
	return err
}
