package e2e

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// the cluster that all scenarios work on.
var the *cluster.Cluster

func TestMain(m *testing.M) {
	// These tests install into a cluster, and break things there. A KUBECONFIG that
	// happens to be set is no leave to do that.
	if os.Getenv("E2E") == "" {
		fmt.Println("e2e: skipped: run `make e2e` or `hack/e2e/on-lab make e2e` (hack/e2e/README.md)")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := cluster.Open(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: the cluster of KUBECONFIG:", err)
		return 1
	}
	// What is there may be somebody's: nothing of it is touched.
	_, err = c.Kubernetes.CoreV1().Namespaces().Get(ctx, systemNamespace, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		fmt.Fprintf(os.Stderr, "e2e: the cluster already has the namespace %s (error: %v); use a cluster without Clientele\n", systemNamespace, err)
		return 1
	}
	the = c

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-stop
		fmt.Fprintf(os.Stderr, "e2e: %v: cleaning up\n", s)
		undoAll()
		os.Exit(130)
	}()
	code := m.Run()
	undoAll()
	if err := writeFigures(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// undos are what still has to be put back, in the order in which it was changed.
var undos struct {
	sync.Mutex
	all []func()
}

// undo does something once: when the returned function is called, at the latest when
// the run ends, also by Ctrl-C.
func undo(do func()) (now func()) {
	now = sync.OnceFunc(do)
	undos.Lock()
	defer undos.Unlock()
	undos.all = append(undos.all, now)
	return now
}

func undoAll() {
	undos.Lock()
	all := slices.Clone(undos.all)
	undos.Unlock()
	for _, do := range slices.Backward(all) {
		do()
	}
}
