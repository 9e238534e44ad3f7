package testenv

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/hack/internal/plane"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patient is how long Eventually waits: far longer than anything takes that works.
const patient = time.Minute

// tokenLifetime is longer than any test run.
const tokenLifetime = 2 * time.Hour

// Config returns a configuration with every right. Each call returns its own
// copy. It may be called only while Main runs the tests.
func Config() *rest.Config { return shared.Admin() }

// Scheme returns a new scheme with Kubernetes' own kinds and those that the
// given functions add.
func Scheme(t testing.TB, add ...func(*runtime.Scheme) error) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	for _, f := range append([]func(*runtime.Scheme) error{clientgoscheme.AddToScheme}, add...) {
		if err := f(s); err != nil {
			t.Fatalf("build the scheme: %v", err)
		}
	}
	return s
}

// Client returns an uncached client with every right, which knows Kubernetes'
// own kinds and those that the given functions add.
func Client(t testing.TB, add ...func(*runtime.Scheme) error) client.WithWatch {
	t.Helper()
	return ClientFor(t, Config(), add...)
}

// ClientFor is Client with the rights of c.
func ClientFor(t testing.TB, c *rest.Config, add ...func(*runtime.Scheme) error) client.WithWatch {
	t.Helper()
	cl, err := client.NewWithWatch(c, client.Options{Scheme: Scheme(t, add...)})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	return cl
}

// Namespace makes a namespace for one test and deletes it when the test ends.
// Only with WithControllerManager does the deletion reach what is in it.
func Namespace(t testing.TB) string {
	t.Helper()
	c := Client(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: namePrefix(t.Name())}}
	if err := c.Create(t.Context(), ns); err != nil {
		t.Fatalf("create a namespace: %v", err)
	}
	t.Cleanup(func() {
		// The test's context has ended by now.
		if err := c.Delete(context.Background(), ns); err != nil {
			t.Errorf("delete namespace %s: %v", ns.Name, err)
		}
	})
	return ns.Name
}

// namePrefix turns a test's name into the start of a namespace's name, short
// enough for what the API server adds (RFC 1123 label, 63 characters).
func namePrefix(test string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(test))
	return "t-" + strings.Trim(clean[:min(len(clean), 40)], "-") + "-"
}

// ServiceAccount makes a ServiceAccount, which has no rights yet.
func ServiceAccount(t testing.TB, namespace, name string) {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := Client(t).Create(t.Context(), sa); err != nil {
		t.Fatalf("create ServiceAccount %s/%s: %v", namespace, name, err)
	}
}

// ServiceAccountToken returns a token of a ServiceAccount for the given
// audiences; without any, for the API server.
func ServiceAccountToken(t testing.TB, namespace, name string, audiences ...string) string {
	t.Helper()
	token, err := shared.Token(t.Context(), namespace, name, tokenLifetime, audiences...)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ServiceAccountConfig returns a configuration with the rights of a
// ServiceAccount, by a token for the given audiences.
func ServiceAccountConfig(t testing.TB, namespace, name string, audiences ...string) *rest.Config {
	t.Helper()
	c := Config()
	c.BearerToken = ServiceAccountToken(t, namespace, name, audiences...)
	return c
}

// Allowed waits until the API server lets a user do something: it learns of a right a
// moment after the binding that gives it is there.
func Allowed(t testing.TB, user string, what authorizationv1.ResourceAttributes) {
	t.Helper()
	c := Client(t)
	Eventually(t, fmt.Sprintf("%s may %s %s", user, what.Verb, what.Resource), func() bool { return may(t, c, user, what) })
}

// Kubeconfig writes a kubeconfig for c into the test's temporary folder and
// returns its path, for programs that want a file.
func Kubeconfig(t testing.TB, c *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := plane.WriteKubeconfig(path, c, ""); err != nil {
		t.Fatal(err)
	}
	return path
}

// Eventually waits until something is so, and ends the test if that does not come.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(patient)
	for !ok() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("not within %v: %s", patient, what)
		}
	}
}
