package managed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func each(t *testing.T, list client.ObjectList, f func(client.Object)) {
	t.Helper()
	if err := meta.EachListItem(list, func(o runtime.Object) error { f(o.(client.Object)); return nil }); err != nil {
		t.Fatal(err)
	}
}

// One pass makes all that a server needs to start.
func TestOnePassMakesTheServer(t *testing.T) {
	b := newBench(t, claimed())
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "people"}}}
	})
	s := b.reconcile(t)
	if s.Problem != nil || s.Image != "clientele.dev/clientele:test" {
		t.Fatalf("%+v", s)
	}
	for name, o := range map[string]client.Object{
		"clientele-default":           &appsv1.StatefulSet{},
		"clientele-default ":          &corev1.Service{},
		"clientele-default  ":         &corev1.ServiceAccount{},
		"clientele-default   ":        &rbacv1.Role{},
		"clientele-default    ":       &rbacv1.RoleBinding{},
		"clientele-default     ":      &policyv1.PodDisruptionBudget{},
		"clientele-default      ":     &networkingv1.NetworkPolicy{},
		"clientele-default-registrar": &corev1.Service{},
		"clientele-default-ca":        &corev1.ConfigMap{},
		"clientele-default-tls":       &corev1.Secret{},
	} {
		b.must(t, strings.TrimSpace(name), o)
		c := metav1.GetControllerOf(o)
		if c == nil || c.UID != b.server.UID || c.BlockOwnerDeletion != nil {
			t.Errorf("%T %s has the controller %+v", o, o.GetName(), c)
		}
	}
	for name, o := range map[string]client.Object{"clientele-default-data": &corev1.PersistentVolumeClaim{}, "clientele-default-ca": &corev1.Secret{}} {
		b.must(t, name, o)
		if len(o.GetOwnerReferences()) > 0 {
			t.Errorf("%T %s goes with the AuthorizationServer", o, name)
		}
	}
	role := &rbacv1.Role{}
	b.must(t, "clientele-default", role)
	if got := role.Rules[1].ResourceNames; !slices.Equal(got, []string{"default-server-keys", "default-signing-keys", "people"}) {
		t.Errorf("the server may read Secrets %q", got)
	}
	b.settle(t)
	b.restart()
	b.settle(t)
}

// The Pods of both kinds pass Pod Security's level restricted.
func TestPodsAreRestricted(t *testing.T) {
	for name, m := range map[string]v1alpha1.ManagedServer{"embedded": claimed(), "postgres": postgres(nil)} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, m)
			ns := &corev1.Namespace{}
			if err := b.client.Get(t.Context(), client.ObjectKey{Name: b.server.Namespace}, ns); err != nil {
				t.Fatal(err)
			}
			b.patch(t, ns, `{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
			r := renderer{as: b.server, image: "clientele.dev/clientele:test"}
			b.create(t, r.serviceAccount())
			template := r.podTemplate()
			pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
			pod.Namespace, pod.Name = b.server.Namespace, "x"
			if err := b.client.Create(t.Context(), pod, client.DryRunAll); err != nil {
				t.Error(err)
			}
			pod.Spec.SecurityContext.RunAsNonRoot = nil
			if err := b.client.Create(t.Context(), pod, client.DryRunAll); err == nil {
				t.Error("the namespace takes any Pod")
			}
		})
	}
}

func TestNumberOfReplicas(t *testing.T) {
	b := newBench(t, postgres(nil))
	d := &appsv1.Deployment{}
	replicas := func(when string, want int32) {
		t.Helper()
		b.settle(t)
		b.must(t, "clientele-default", d)
		if *d.Spec.Replicas != want {
			t.Errorf("%s: %d replicas, want %d", when, *d.Spec.Replicas, want)
		}
	}
	replicas("absent", 2)
	b.patch(t, d, `{"spec":{"replicas":5}}`)
	replicas("scaled by another", 5)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { s.Managed.Image = "clientele.dev/clientele:other" })
	replicas("another image", 5)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { s.Managed.Replicas = new(int32(3)) })
	replicas("set", 3)
	b.patch(t, d, `{"spec":{"replicas":7}}`)
	replicas("set, and scaled by another", 3)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { s.Managed.Replicas = nil })
	replicas("removed", 3)
	b.patch(t, d, `{"spec":{"replicas":4}}`)
	replicas("removed, and scaled by another", 4)
}

// What others add stays; what they change of ours is put back, and in the end slowly.
func TestDrift(t *testing.T) {
	b := newBench(t, postgres(nil))
	b.settle(t)
	b.told()
	service := &corev1.Service{}
	b.must(t, "clientele-default", service)
	b.patch(t, service, `{"metadata":{"annotations":{"mesh.example/injected":"true"}}}`)
	b.settle(t)
	if b.must(t, "clientele-default", service); service.Annotations["mesh.example/injected"] != "true" {
		t.Error("an annotation of others is gone")
	}
	if told := b.told(); len(told) > 0 {
		t.Errorf("told %q", told)
	}
	selectorOf := func() string {
		b.must(t, "clientele-default", service)
		return service.Spec.Selector[v1alpha1.LabelServer]
	}
	for i := range patience {
		b.patch(t, service, `{"spec":{"selector":{"oauth.clientele.dev/server":"other"}}}`)
		b.now = b.now.Add(2 * repairPace)
		b.reconcile(t)
		if got := selectorOf(); got != "default" {
			t.Fatalf("repair %d leaves %q", i, got)
		}
		if told := b.told(); len(told) != 1 || !strings.Contains(told[0], "FieldContested") || !strings.Contains(told[0], `"person"`) {
			t.Errorf("told %q", told)
		}
	}
	b.patch(t, service, `{"spec":{"selector":{"oauth.clientele.dev/server":"other"}}}`)
	b.now = b.now.Add(contestedFor - time.Minute)
	b.reconcile(t)
	if got := selectorOf(); got != "other" {
		t.Errorf("the contest goes on: %q", got)
	}
	b.now = b.now.Add(2 * time.Minute)
	b.reconcile(t)
	if got := selectorOf(); got != "default" {
		t.Errorf("after ten minutes it is %q", got)
	}
	// What is deleted comes back.
	if err := b.client.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	b.settle(t)
	b.must(t, "clientele-default", &corev1.Service{})
}

func TestNameConflict(t *testing.T) {
	for _, tc := range []struct {
		name   string
		object client.Object
		says   string
	}{
		{"without labels", &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "clientele-default"}}, "make the AuthorizationServer under another name; delete it only if nothing uses it"},
		{"of another server", &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "clientele-default", Labels: selector("other")},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}},
		}, "has no label oauth.clientele.dev/server=default"},
		{"controlled by another", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: "clientele-default-ca", Labels: labelsOf("default"),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "a", Controller: new(true)}},
		}}, "is controlled by ConfigMap a"},
		{"a Secret", &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "clientele-default-tls"}}, "has no label oauth.clientele.dev/secret-kind"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, v1alpha1.ManagedServer{})
			o := tc.object.DeepCopyObject().(client.Object)
			o.SetNamespace(b.server.Namespace)
			if refs := o.GetOwnerReferences(); len(refs) > 0 { // the garbage collector wants it to exist
				other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.server.Namespace, Name: refs[0].Name}}
				b.create(t, other)
				refs[0].UID = other.UID
				o.SetOwnerReferences(refs)
			}
			b.create(t, o)
			s := b.reconcile(t)
			if s.Problem == nil || s.Problem.Reason != v1alpha1.ReasonNameConflict || !strings.Contains(s.Problem.Message, tc.says) {
				t.Fatalf("%+v", s.Problem)
			}
			if b.get(t, "clientele-default", &appsv1.StatefulSet{}) {
				t.Error("the server is started all the same")
			}
			version := o.GetResourceVersion()
			b.must(t, o.GetName(), o)
			if o.GetResourceVersion() != version {
				t.Error("it was changed")
			}
		})
	}
}

// Managed to Unmanaged and back: nothing is stopped, nothing is made anew.
func TestTypeChanges(t *testing.T) {
	b := newBench(t, claimed())
	b.settle(t)
	count := len(b.all(t))
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Type, s.Managed = v1alpha1.AuthorizationServerUnmanaged, nil
	})
	b.reconcile(t)
	uids := map[string]string{}
	for _, o := range b.all(t) {
		uids[name(o)] = string(o.GetUID())
		if len(o.GetOwnerReferences()) > 0 {
			t.Errorf("%s still has owners %v", name(o), o.GetOwnerReferences())
		}
	}
	if len(uids) != count {
		t.Errorf("of %d objects there are %d", count, len(uids))
	}
	if _, ok := b.States.Get(client.ObjectKeyFromObject(b.server)); ok {
		t.Error("its state is still known")
	}
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Type, s.Managed = v1alpha1.AuthorizationServerManaged, new(claimed())
	})
	if s := b.settle(t); s.Problem != nil {
		t.Fatal(s.Problem)
	}
	for _, o := range b.all(t) {
		if uids[name(o)] != string(o.GetUID()) {
			t.Errorf("%s is another one", name(o))
		}
		if own := metav1.IsControlledBy(o, b.server); own == (name(o) == "Secret clientele-default-ca") {
			t.Errorf("%s is controlled by the AuthorizationServer: %v", name(o), own)
		}
	}
}

func name(o client.Object) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", o), "*v1.") + " " + o.GetName()
}

// A change of the storage type stops the old workload before the new one starts.
func TestStorageTypeChanges(t *testing.T) {
	t.Run("by the operator", func(t *testing.T) { storageTypeChanges(t, func(*bench, client.Object) {}) })
	t.Run("somebody deleted the StatefulSet before", func(t *testing.T) {
		storageTypeChanges(t, func(b *bench, set client.Object) {
			if err := b.client.Delete(t.Context(), set, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func storageTypeChanges(t *testing.T, before func(b *bench, set client.Object)) {
	t.Helper()
	b := newBench(t, claimed())
	b.settle(t)
	// A Pod of the StatefulSet that takes its time to end.
	set := &appsv1.StatefulSet{}
	b.must(t, "clientele-default", set)
	pod := &corev1.Pod{ObjectMeta: set.Spec.Template.ObjectMeta, Spec: set.Spec.Template.Spec}
	pod.Namespace, pod.Name, pod.Finalizers = b.server.Namespace, "clientele-default-0", []string{"test.example/slow"}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: set.Name, UID: set.UID, Controller: new(true), BlockOwnerDeletion: new(true)}}
	pod.Spec.ServiceAccountName, pod.Spec.AutomountServiceAccountToken = "clientele-default", new(false)
	b.create(t, pod)
	before(b, set)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { *s.Managed = postgres(nil) })
	s := b.reconcile(t)
	if s.Workload.Stopping != "StatefulSet" || b.get(t, "clientele-default", &appsv1.Deployment{}) {
		t.Fatalf("%+v", s.Workload)
	}
	b.eventually(t, "the Pod is told to end", func() bool {
		b.must(t, pod.Name, pod)
		return pod.DeletionTimestamp != nil
	})
	if s = b.reconcile(t); s.Workload.Stopping != "StatefulSet" || b.get(t, "clientele-default", &appsv1.Deployment{}) {
		t.Fatalf("%+v", s.Workload)
	}
	b.patch(t, pod, `{"metadata":{"finalizers":null}}`)
	if err := b.client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	b.eventually(t, "the StatefulSet is gone", func() bool { return !b.get(t, "clientele-default", &appsv1.StatefulSet{}) })
	if s = b.settle(t); s.Workload.Stopping != "" || s.Workload.Kind != "Deployment" {
		t.Fatalf("%+v", s.Workload)
	}
	b.must(t, "clientele-default", &appsv1.Deployment{})
	b.must(t, "clientele-default-data", &corev1.PersistentVolumeClaim{})
}

func (b *bench) eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		t.Fatalf("not so after a minute: %s", what)
	}
}

func TestSwitchesAndSecrets(t *testing.T) {
	b := newBench(t, postgres(nil))
	s := b.settle(t)
	if p := s.StorageProblem; p == nil || p.Reason != v1alpha1.ReasonSecretMissing || !strings.Contains(p.Message, "db does not exist") {
		t.Errorf("%+v", p)
	}
	b.create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.server.Namespace, Name: "db"}, Data: map[string][]byte{"dsn": []byte("postgres://secret")}})
	if p := b.reconcile(t).StorageProblem; p == nil || !strings.Contains(p.Message, "has no key uri") || strings.Contains(p.Message, "postgres://") {
		t.Errorf("%+v", p)
	}
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Managed.Storage.Postgres.DSNSecretRef.Key = "dsn"
		s.Managed.DisruptionBudget, s.Managed.NetworkPolicy = v1alpha1.Disabled, v1alpha1.Disabled
		s.Managed.TLS = v1alpha1.ManagedTLS{Type: v1alpha1.TLSCertManager, CertManager: &v1alpha1.CertManagerTLS{IssuerRef: v1alpha1.CertManagerIssuer{Name: "a"}}}
	})
	s = b.settle(t)
	if s.StorageProblem != nil {
		t.Errorf("%+v", s.StorageProblem)
	}
	if b.get(t, "clientele-default", &policyv1.PodDisruptionBudget{}) || b.get(t, "clientele-default", &networkingv1.NetworkPolicy{}) {
		t.Error("what is switched off is still there")
	}
	if p := s.CertificateProblem; p == nil || p.Reason != v1alpha1.ReasonCertManagerMissing {
		t.Errorf("%+v", p)
	}
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Managed.TLS = v1alpha1.ManagedTLS{Type: v1alpha1.TLSSecret, Secret: &v1alpha1.TLSSecretReference{Name: "mine"}}
	})
	if s = b.settle(t); s.CertificateProblem != nil || s.Public == nil || s.Public.Reason != v1alpha1.ReasonSecretMissing {
		t.Errorf("%+v", s)
	}
}

// A volume that cannot grow keeps nothing else from being changed.
func TestVolumeThatCannotGrow(t *testing.T) {
	b := newBench(t, claimed())
	b.settle(t)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Managed.Storage.Embedded.VolumeClaim.Size, s.Managed.Image = "2Gi", "clientele.dev/clientele:other"
	})
	s := b.settle(t)
	if s.Problem != nil || s.ClaimProblem == nil || !strings.Contains(s.ClaimProblem.Message, "PersistentVolumeClaim") {
		t.Fatalf("%+v, %+v", s.Problem, s.ClaimProblem)
	}
	set := &appsv1.StatefulSet{}
	b.must(t, "clientele-default", set)
	if got := set.Spec.Template.Spec.Containers[0].Image; got != "clientele.dev/clientele:other" {
		t.Errorf("the image is %s", got)
	}
}

// cert-manager is asked for the certificate of the issuer's host, and no longer once
// another tls.type is set.
func TestCertManager(t *testing.T) {
	b := newBench(t, v1alpha1.ManagedServer{TLS: v1alpha1.ManagedTLS{
		Type: v1alpha1.TLSCertManager, CertManager: &v1alpha1.CertManagerTLS{IssuerRef: v1alpha1.CertManagerIssuer{Name: "corporate"}},
	}})
	if p := b.reconcile(t).CertificateProblem; p == nil || p.Reason != v1alpha1.ReasonCertManagerMissing {
		t.Fatalf("without cert-manager: %+v", p)
	}
	b.must(t, "clientele-default", &appsv1.StatefulSet{})
	installCertManager(t, b.client)
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(certificateKind)
	b.eventually(t, "the Certificate is applied", func() bool {
		s := b.reconcile(t)
		return s.CertificateProblem == nil && b.get(t, "clientele-default-public", certificate)
	})
	spec, _, _ := unstructured.NestedMap(certificate.Object, "spec")
	host := "clientele-default." + b.server.Namespace + ".svc"
	if names, _, _ := unstructured.NestedStringSlice(spec, "dnsNames"); !slices.Equal(names, []string{host}) || spec["secretName"] != "clientele-default-public" {
		t.Errorf("the spec is %v", spec)
	}
	if labels, _, _ := unstructured.NestedStringMap(spec, "secretTemplate", "labels"); labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindServingCertificate || labels[v1alpha1.LabelServer] != "default" {
		t.Errorf("the Secret's labels are %v", labels)
	}
	b.patch(t, certificate, `{"status":{"conditions":[{"type":"Ready","status":"False","message":"no such issuer"}]}}`)
	if v := b.reconcile(t).Public; v == nil || v.Reason != v1alpha1.ReasonIssuing || !strings.Contains(v.Message, "no such issuer") {
		t.Errorf("%+v", v)
	}
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { s.Managed.TLS = v1alpha1.ManagedTLS{} })
	b.settle(t)
	if b.get(t, "clientele-default-public", certificate) {
		t.Error("the Certificate is still there")
	}
}

// installCertManager installs a kind like cert-manager's until the test ends.
func installCertManager(t *testing.T, c client.Client) {
	t.Helper()
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"group": "cert-manager.io", "scope": "Namespaced",
		"names": map[string]any{"kind": "Certificate", "plural": "certificates", "singular": "certificate", "listKind": "CertificateList"},
		"versions": []any{map[string]any{
			"name": "v1", "served": true, "storage": true,
			"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
		}},
	}}}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	crd.SetName("certificates.cert-manager.io")
	if err := c.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.Background(), crd); err != nil {
			t.Error(err)
		}
	})
}

// What the API server finds invalid is told, and nothing is lost for it.
func TestInvalidPod(t *testing.T) {
	b := newBench(t, v1alpha1.ManagedServer{})
	b.settle(t)
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) {
		s.Managed.Pod.Tolerations = []corev1.Toleration{{Key: "a", Operator: corev1.TolerationOpExists, Value: "b"}}
	})
	s := b.reconcile(t)
	if s.Problem == nil || s.Problem.Reason != v1alpha1.ReasonInvalidPod || !strings.Contains(s.Problem.Message, "tolerations[0]") {
		t.Fatalf("%+v", s.Problem)
	}
	b.change(t, func(s *v1alpha1.AuthorizationServerSpec) { s.Managed.Pod.Tolerations = nil })
	if s = b.settle(t); s.Problem != nil {
		t.Errorf("%+v", s.Problem)
	}
}

// A quota or Pod Security that lets a StatefulSet have no Pod shows in events only.
func TestRefusedPod(t *testing.T) {
	b := newBench(t, v1alpha1.ManagedServer{})
	b.settle(t)
	set := &appsv1.StatefulSet{}
	b.must(t, "clientele-default", set)
	set.Status.ObservedGeneration = set.Generation
	if err := b.client.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	for i, message := range []string{"old", "exceeded quota: pods"} {
		b.create(t, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: b.server.Namespace, GenerateName: "a"},
			InvolvedObject: corev1.ObjectReference{Kind: "StatefulSet", Namespace: b.server.Namespace, Name: set.Name, UID: set.UID},
			Type:           corev1.EventTypeWarning, Reason: "FailedCreate", Message: message, LastTimestamp: metav1.NewTime(b.now.Add(time.Duration(i) * time.Second)),
		})
	}
	if s := b.reconcile(t); s.Workload.Refused != "" && b.now.Before(set.CreationTimestamp.Add(refusedAfter)) {
		t.Errorf("told too early: %+v", s.Workload)
	}
	b.now = b.now.Add(time.Minute)
	if s := b.reconcile(t); s.Workload.Refused != "exceeded quota: pods" {
		t.Errorf("%+v", s.Workload)
	}
}

// The rights that the operator has are enough for a pass: it holds what it grants.
func TestOperatorsRights(t *testing.T) {
	const system = "clientele-system"
	b := newBench(t, claimed())
	as := b.server.DeepCopy()
	as.ObjectMeta = metav1.ObjectMeta{Namespace: system, Name: "rights"}
	as.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "people"}}}
	b.create(t, as)
	admin := b.client
	t.Cleanup(func() {
		if err := admin.Delete(context.Background(), as); err != nil {
			t.Error(err)
		}
	})
	b.server, b.client = as, testenv.ClientFor(t, testenv.ServiceAccountConfig(t, system, "clientele-operator"), v1alpha1.AddToScheme, AddToScheme)
	b.restart()
	for range 3 {
		key := client.ObjectKeyFromObject(as)
		if _, err := b.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
			t.Fatal(err)
		}
		if s, _ := b.States.Get(key); s.Problem != nil {
			t.Fatal(s.Problem)
		}
	}
	b.must(t, "clientele-rights", &appsv1.StatefulSet{})
}
