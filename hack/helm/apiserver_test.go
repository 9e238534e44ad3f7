package helm

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/internal/manifests"
	"clientele.dev/clientele/hack/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// The namespaces that the values files name, as strict as Pod Security can be.
func makeNamespaces(t *testing.T) {
	t.Helper()
	c := testenv.Client(t)
	for _, name := range []string{system, "oauth", "oauth-eu", "shop", "billing"} {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := client.IgnoreAlreadyExists(c.Create(t.Context(), ns)); err != nil {
			t.Fatal(err)
		}
		patch := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
		if err := c.Patch(t.Context(), ns, client.RawPatch(types.MergePatchType, patch)); err != nil {
			t.Fatal(err)
		}
	}
}

// Everything that the chart renders is what the API server takes, without a field that it
// does not know; and the Pods are such as Pod Security restricted lets start.
func TestTheAPIServerTakesEveryObject(t *testing.T) {
	makeNamespaces(t)
	strict := client.WithFieldValidation(testenv.Client(t, v1alpha1.AddToScheme), metav1.FieldValidationStrict)
	forEach(t, func(t *testing.T, _ string, r *release) {
		for _, o := range slices.Concat(r.all(), r.bootstrapped(t)) {
			if o.GroupVersionKind().Group == "monitoring.coreos.com" {
				continue // TestMonitoringObjects
			}
			err := strict.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o.DeepCopy()),
				client.FieldOwner("test"), client.ForceOwnership, client.DryRunAll)
			if err != nil {
				t.Errorf("%s: %v", manifests.Describe(o), err)
			}
		}
		for what, pod := range r.pods(t) {
			if err := strict.Create(t.Context(), withPriority(pod), client.DryRunAll); err != nil {
				t.Errorf("a Pod of %s: %v", what, err)
			}
		}
	})
}

// withPriority takes off the namespace's limit on critical Pods, which is not the question.
func withPriority(pod *corev1.Pod) *corev1.Pod {
	pod.Spec.PriorityClassName = ""
	return pod
}

// TestPodSecurityIsInForce: a Pod that asks for more is refused, so that the test above
// says something.
func TestPodSecurityIsInForce(t *testing.T) {
	makeNamespaces(t)
	for what, pod := range rendered(t, "default").pods(t) {
		pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
		if err := testenv.Client(t).Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("a Pod of %s that may escalate: %v", what, err)
		}
	}
}

// install applies a release without its Pods, and takes it away at the test's end.
func install(t *testing.T, r *release) {
	t.Helper()
	makeNamespaces(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	var made []*unstructured.Unstructured
	for _, o := range r.objects {
		switch o.GetKind() {
		case "CustomResourceDefinition", "Deployment", "PodDisruptionBudget", "NetworkPolicy":
		default:
			made = append(made, o)
		}
	}
	t.Cleanup(func() {
		for _, o := range made {
			if err := client.IgnoreNotFound(c.Delete(context.Background(), o.DeepCopy())); err != nil {
				t.Errorf("delete %s: %v", manifests.Describe(o), err)
			}
		}
	})
	if err := manifests.Apply(t.Context(), c, made, 30*time.Second); err != nil {
		t.Fatal(err)
	}
}

// The operator of a release, whose names no other test has.
func installed(t *testing.T, name string) (*release, client.Client, string) {
	t.Helper()
	values, _ := readValues(t, "testdata/values/"+name+".yaml")
	values = maps.Clone(values)
	if values == nil {
		values = map[string]any{}
	}
	fullname := "helm-" + strings.ToLower(t.Name())
	values["fullnameOverride"] = strings.Trim(fullname[:min(len(fullname), 30)], "-")
	r, err := render4(values)
	if err != nil {
		t.Fatal(err)
	}
	install(t, r)
	account := values["fullnameOverride"].(string) + "-operator"
	return r, testenv.ClientFor(t, testenv.ServiceAccountConfig(t, system, account), v1alpha1.AddToScheme), account
}

// In scope Cluster the operator can read all Secrets, but write its own only.
func TestTheOperatorWritesItsOwnSecretsOnly(t *testing.T) {
	_, operator, _ := installed(t, "default")
	admin := testenv.Client(t)
	ns := testenv.Namespace(t)
	secret := func(name string, labels map[string]string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: labels}}
	}
	ours := map[string]string{v1alpha1.LabelSecretKind: v1alpha1.SecretKindCredentials}
	foreign := secret("foreign", nil)
	if err := admin.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "the operator may") {
			t.Errorf("%s: %v, want that the policy refuses it", what, err)
		}
	}
	allowed := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The policy and the rights count a moment after they are there.
	testenv.Eventually(t, "the policy is in force", func() bool {
		err := operator.Create(t.Context(), secret("unlabelled", nil), client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), "the operator may")
	})
	mine := secret("mine", ours)
	allowed("create its own", operator.Create(t.Context(), mine))
	mine.Data = map[string][]byte{"client_secret": []byte("x")}
	allowed("update its own", operator.Update(t.Context(), mine))

	foreign.Data = map[string][]byte{"a": []byte("b")}
	refused("update another's", operator.Update(t.Context(), foreign))
	foreign.Labels = ours
	refused("take another's by labelling it", operator.Update(t.Context(), foreign))
	refused("delete another's", operator.Delete(t.Context(), foreign))

	// Of these types Kubernetes makes, or takes, credentials.
	for kind, annotations := range map[corev1.SecretType]map[string]string{
		corev1.SecretTypeServiceAccountToken: {corev1.ServiceAccountNameKey: "default"},
		"bootstrap.kubernetes.io/token":      nil,
	} {
		there := secret("there", ours) // a tenant may write any label
		there.Type, there.Annotations = kind, annotations
		allowed("admin", admin.Create(t.Context(), there))
		there.Data = map[string][]byte{"a": []byte("b")}
		refused("update one of type "+string(kind), operator.Update(t.Context(), there))
		allowed("admin", admin.Delete(t.Context(), there))
		anybody := secret("anybody", ours)
		anybody.Type, anybody.Annotations = kind, annotations
		refused("create one of type "+string(kind), operator.Create(t.Context(), anybody))
	}
	for _, kind := range []corev1.SecretType{corev1.SecretTypeTLS, "oauth.clientele.dev/registration"} {
		typed := secret("typed", ours)
		typed.Type, typed.Data = kind, map[string][]byte{"tls.crt": nil, "tls.key": nil}
		allowed("create one of type "+string(kind), operator.Create(t.Context(), typed, client.DryRunAll))
	}

	mine.Labels = nil
	refused("take the label off its own", operator.Update(t.Context(), mine))

	lost := secret("lost", nil)
	lost.Annotations = map[string]string{v1alpha1.AnnotationOwner: ns + "/app"}
	allowed("admin", admin.Create(t.Context(), lost))
	lost.Labels = ours
	allowed("take back its own that lost its label", operator.Update(t.Context(), lost))
	owned := secret("owned", nil)
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "OAuthClient", Name: "app", UID: "1"}}
	allowed("admin", admin.Create(t.Context(), owned))
	owned.Labels = ours
	allowed("take back what an OAuthClient owns", operator.Update(t.Context(), owned))
	allowed("delete its own", operator.Delete(t.Context(), secret("mine", nil)))
	allowed("what others write is not looked at", admin.Create(t.Context(), secret("others", nil)))
}

// In scope Namespaces it reads no Secret elsewhere.
func TestTheOperatorReadsNoSecretElsewhere(t *testing.T) {
	_, operator, _ := installed(t, "namespaces")
	testenv.Eventually(t, "the operator lists the Secrets of shop", func() bool {
		return operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace("shop")) == nil
	})
	for _, ns := range []string{"", "default", "kube-system", system} {
		if err := operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace(ns)); !apierrors.IsForbidden(err) {
			t.Errorf("list Secrets in namespace %q: %v", ns, err)
		}
		if err := operator.List(t.Context(), &v1alpha1.OAuthClientList{}, client.InNamespace(ns)); !apierrors.IsForbidden(err) {
			t.Errorf("list OAuthClients in namespace %q: %v", ns, err)
		}
	}
	if err := operator.List(t.Context(), &v1alpha1.AuthorizationServerList{}, client.InNamespace("oauth")); err != nil {
		t.Errorf("list AuthorizationServers beside the servers: %v", err)
	}
	if err := operator.List(t.Context(), &v1alpha1.AuthorizationServerList{}, client.InNamespace("shop")); !apierrors.IsForbidden(err) {
		t.Errorf("list AuthorizationServers of a team: %v", err)
	}
	if err := operator.List(t.Context(), &corev1.NamespaceList{}); err != nil {
		t.Errorf("list Namespaces: %v", err)
	}
}
