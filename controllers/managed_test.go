package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/hack/testenv"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A server of type Managed under the whole operator, with the rights that it has: there is
// no node here, so the test plays the StatefulSet's controller and the kubelet.
func TestManagedServer(t *testing.T) {
	s := &stack{client: testenv.Client(t, v1alpha1.AddToScheme, managed.AddToScheme), log: &log{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log)
		}
	})
	as := &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "managed"},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://clientele-managed." + system + ".svc", Type: v1alpha1.AuthorizationServerManaged, Managed: &v1alpha1.ManagedServer{},
		},
	}
	stop := startOperator(t, s.log)
	s.create(t, as)
	s.await(t, as, v1alpha1.ConditionCertificateReady, v1alpha1.ReasonIssued)
	s.await(t, as, v1alpha1.ConditionSigningKeysReady, v1alpha1.ReasonKeysActive)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonProgressing)
	s.await(t, as, v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing)
	if m := as.Status.Managed; m.Image != testImage || m.CAExpires == nil || m.CertificateExpires == nil {
		t.Errorf("%+v", m)
	}
	set := &appsv1.StatefulSet{}
	key := client.ObjectKey{Namespace: system, Name: "clientele-managed"}
	if err := s.client.Get(t.Context(), key, set); err != nil {
		t.Fatal(err)
	}

	// The Pod does not get its image.
	pod := &corev1.Pod{ObjectMeta: *set.Spec.Template.ObjectMeta.DeepCopy(), Spec: *set.Spec.Template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = system, "clientele-managed-0"
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
	s.create(t, pod)
	s.setPod(t, pod, corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "server", Image: testImage, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}},
	}}})
	s.await(t, as, v1alpha1.ConditionDeployed, v1alpha1.ReasonImageUnavailable)

	// Then it does, and serves.
	s.setPod(t, pod, corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}})
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1}
	if err := s.client.Status().Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	s.await(t, as, v1alpha1.ConditionDeployed, v1alpha1.ReasonAvailable)
	if as.Status.Managed.ReadyReplicas != 1 {
		t.Errorf("%+v", as.Status.Managed)
	}

	// K5: what apps need to verify the server is on its way to their Secrets.
	bundle := &corev1.ConfigMap{}
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: system, Name: "clientele-managed-ca"}, bundle); err != nil {
		t.Fatal(err)
	}
	if as.Status.CABundle == "" || as.Status.CABundle != bundle.Data["ca.crt"] {
		t.Errorf("status.caBundle is %q, want that of the ConfigMap", as.Status.CABundle)
	}

	// Nothing is written when nothing changes, nor after a restart of the operator.
	quiet := func() []string {
		var last []string
		since := time.Now()
		s.eventually(t, func(context.Context) bool {
			if now := s.managedVersions(t); !slices.Equal(now, last) {
				last, since = now, time.Now()
			}
			return time.Since(since) > settle
		}, func() string { return "something is still being written" })
		return last
	}
	before := quiet()
	stop()
	startOperator(t, s.log)
	if after := quiet(); !slices.Equal(before, after) {
		t.Errorf("the restart wrote something:\n%s\nit was\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}

	// What the server consists of goes with it, and the keys and the CA stay.
	s.remove(t, as)
	s.gone(t, as)
	s.gone(t, set)
	for _, kept := range []string{"clientele-managed-ca", "managed-signing-keys", "managed-server-keys"} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: kept}}
		if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
			t.Error(err)
		}
		s.remove(t, secret)
	}
}

func (s *stack) setPod(t *testing.T, pod *corev1.Pod, status corev1.PodStatus) {
	t.Helper()
	pod.Status = status
	if err := s.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

// managedVersions are the resource versions of a Managed server and its objects.
func (s *stack) managedVersions(t *testing.T) (all []string) {
	t.Helper()
	for _, list := range []client.ObjectList{
		&v1alpha1.AuthorizationServerList{}, &appsv1.StatefulSetList{}, &appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{},
		&corev1.ConfigMapList{}, &corev1.SecretList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{}, &policyv1.PodDisruptionBudgetList{}, &networkingv1.NetworkPolicyList{},
	} {
		if err := s.client.List(t.Context(), list, client.InNamespace(system)); err != nil {
			t.Fatal(err)
		}
		err := meta.EachListItem(list, func(o runtime.Object) error {
			all = append(all, fmt.Sprintf("%T %s", o, version(o.(client.Object))))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
