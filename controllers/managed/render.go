package managed

import (
	"cmp"
	"maps"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Labels of the operator's Pods, as the chart sets them.
var operatorPods = map[string]string{v1alpha1.LabelName: "clientele", "app.kubernetes.io/component": "operator"}

// renderer makes the objects of one AuthorizationServer. It asks nothing of the cluster.
type renderer struct {
	as *v1alpha1.AuthorizationServer
	// image is the operator's own.
	image string
	// operatorNamespace is where the operator's Pods are.
	operatorNamespace string
	// clusterID is the uid of the Namespace kube-system.
	clusterID string
}

func (r renderer) managed() v1alpha1.ManagedServer { return *r.as.Spec.Managed }

func (r renderer) embedded() bool {
	return cmp.Or(r.managed().Storage.Type, v1alpha1.StorageEmbedded) == v1alpha1.StorageEmbedded
}

func (r renderer) claim() *v1alpha1.VolumeClaim {
	if e := r.managed().Storage.Embedded; r.embedded() && e != nil {
		return e.VolumeClaim
	}
	return nil
}

func (r renderer) tlsType() v1alpha1.TLSType {
	return cmp.Or(r.managed().TLS.Type, v1alpha1.TLSGenerated)
}

// serverImage is the image of the Pods; empty: none is known.
func (r renderer) serverImage() string { return cmp.Or(r.managed().Image, r.image) }

// name is that of the workload and of most objects.
func (r renderer) name() string { return v1alpha1.ServerObjectName(r.as.Name) }

// selector never changes: a Deployment's selector is immutable.
func selector(server string) map[string]string {
	return map[string]string{v1alpha1.LabelName: v1alpha1.ServerApp, v1alpha1.LabelServer: server}
}

// labelsOf are those of all objects of a server.
func labelsOf(server string) map[string]string {
	l := selector(server)
	l[v1alpha1.LabelManagedBy] = v1alpha1.FieldManager
	return l
}

// owner makes the garbage collector delete an object with the AuthorizationServer. It
// does not block the latter's deletion, which would need a right on finalizers.
func owner(as *v1alpha1.AuthorizationServer) metav1.OwnerReference {
	return metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "AuthorizationServer",
		Name: as.Name, UID: as.UID, Controller: new(true),
	}
}

func (r renderer) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: r.as.Namespace, Name: name, Labels: labelsOf(r.as.Name),
		OwnerReferences: []metav1.OwnerReference{owner(r.as)},
	}
}

// foundation are the objects that come before the workload, in the order in which they
// are applied.
func (r renderer) foundation() []client.Object {
	objects := []client.Object{r.serviceAccount(), r.role(), r.roleBinding(), r.service(), r.registrarService()}
	if on(r.managed().DisruptionBudget) {
		objects = append(objects, r.disruptionBudget())
	}
	if on(r.managed().NetworkPolicy) {
		objects = append(objects, r.networkPolicy())
	}
	return objects
}

func on(s v1alpha1.Switch) bool { return cmp.Or(s, v1alpha1.Enabled) == v1alpha1.Enabled }

func (r renderer) serviceAccount() client.Object {
	return &corev1.ServiceAccount{TypeMeta: kindOf(corev1.SchemeGroupVersion, "ServiceAccount"), ObjectMeta: r.meta(r.name())}
}

// role lets the server read its settings, its two key Secrets, and those of spec.users,
// each by its name: registrations are in the same namespace.
func (r renderer) role() client.Object {
	read := []string{"get", "list", "watch"}
	secrets := []string{v1alpha1.ServerKeysSecretName(r.as.Name), v1alpha1.SigningKeysSecretName(r.as.Name)}
	return &rbacv1.Role{
		TypeMeta: kindOf(rbacv1.SchemeGroupVersion, "Role"), ObjectMeta: r.meta(r.name()),
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"authorizationservers"}, ResourceNames: []string{r.as.Name}, Verbs: read},
			{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: append(secrets, userSecrets(r.as.Spec.Users)...), Verbs: read},
		},
	}
}

// userSecrets names the Secrets of spec.users, without duplicates.
func userSecrets(users *v1alpha1.UsersSpec) []string {
	if users == nil {
		return nil
	}
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if users.Local != nil {
		add(users.Local.SecretRef.Name)
	}
	for _, u := range users.Upstreams {
		if u.ClientSecretRef != nil {
			add(u.ClientSecretRef.Name)
		}
	}
	return names
}

func (r renderer) roleBinding() client.Object {
	return &rbacv1.RoleBinding{
		TypeMeta: kindOf(rbacv1.SchemeGroupVersion, "RoleBinding"), ObjectMeta: r.meta(r.name()),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: r.name()},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: r.name(), Namespace: r.as.Namespace}},
	}
}

// service is that of the public endpoints.
func (r renderer) service() client.Object {
	s := r.managed().Service
	meta := r.meta(r.name())
	meta.Annotations = maps.Clone(s.Annotations)
	return &corev1.Service{
		TypeMeta: kindOf(corev1.SchemeGroupVersion, "Service"), ObjectMeta: meta,
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceType(cmp.Or(s.Type, "ClusterIP")), Selector: selector(r.as.Name), LoadBalancerClass: s.LoadBalancerClass,
			Ports: []corev1.ServicePort{{
				Name: v1alpha1.PortNameHTTPS, Port: v1alpha1.PortService, Protocol: corev1.ProtocolTCP, AppProtocol: new("https"),
				TargetPort: intstr.FromString(v1alpha1.PortNameHTTPS),
			}},
		},
	}
}

// registrarService is how the operator reaches the server. It has ready Pods only, as
// the other one: a server is ready before its store is complete.
func (r renderer) registrarService() client.Object {
	return &corev1.Service{
		TypeMeta: kindOf(corev1.SchemeGroupVersion, "Service"), ObjectMeta: r.meta(v1alpha1.RegistrarServiceName(r.as.Name)),
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Selector: selector(r.as.Name),
			Ports: []corev1.ServicePort{{
				Name: v1alpha1.PortNameRegistrar, Port: v1alpha1.PortRegistrar, Protocol: corev1.ProtocolTCP, AppProtocol: new("https"),
				TargetPort: intstr.FromString(v1alpha1.PortNameRegistrar),
			}},
		},
	}
}

func (r renderer) disruptionBudget() client.Object {
	return &policyv1.PodDisruptionBudget{
		TypeMeta: kindOf(policyv1.SchemeGroupVersion, "PodDisruptionBudget"), ObjectMeta: r.meta(r.name()),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: new(intstr.FromInt32(1)),
			Selector:       &metav1.LabelSelector{MatchLabels: selector(r.as.Name)},
			// A Pod that is not ready serves nobody: it may always be evicted.
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}
}

// networkPolicy opens the public endpoints and the metrics to all, and the registrar API
// to the operator. It says nothing of outgoing traffic.
func (r renderer) networkPolicy() client.Object {
	port := func(name string) networkingv1.NetworkPolicyPort {
		return networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromString(name))}
	}
	return &networkingv1.NetworkPolicy{
		TypeMeta: kindOf(networkingv1.SchemeGroupVersion, "NetworkPolicy"), ObjectMeta: r.meta(r.name()),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: selector(r.as.Name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{Ports: []networkingv1.NetworkPolicyPort{port(v1alpha1.PortNameHTTPS), port(v1alpha1.PortNameMetrics)}},
				{
					Ports: []networkingv1.NetworkPolicyPort{port(v1alpha1.PortNameRegistrar)},
					From: []networkingv1.NetworkPolicyPeer{{
						NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.operatorNamespace}},
						PodSelector:       &metav1.LabelSelector{MatchLabels: operatorPods},
					}},
				},
			},
		},
	}
}

// dataClaim has no owner: the data outlives the AuthorizationServer.
func (r renderer) dataClaim() client.Object {
	meta := r.meta(v1alpha1.DataClaimName(r.as.Name))
	meta.OwnerReferences = nil
	// The schema has it that the size can be read.
	size, _ := resource.ParseQuantity(cmp.Or(r.claim().Size, "1Gi"))
	return &corev1.PersistentVolumeClaim{
		TypeMeta: kindOf(corev1.SchemeGroupVersion, "PersistentVolumeClaim"), ObjectMeta: meta,
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: r.claim().StorageClassName,
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	}
}

// caBundle is the ConfigMap with what the server's clients trust.
func (r renderer) caBundle(pem string) client.Object {
	return &corev1.ConfigMap{
		TypeMeta: kindOf(corev1.SchemeGroupVersion, "ConfigMap"), ObjectMeta: r.meta(v1alpha1.ServerCAName(r.as.Name)),
		Data: map[string]string{v1alpha1.CABundleKey: pem},
	}
}

// workload is a Deployment, or a StatefulSet where the storage is a file: that has at
// most one Pod at any time, even if a node is cut off.
func (r renderer) workload() client.Object {
	match := &metav1.LabelSelector{MatchLabels: selector(r.as.Name)}
	if r.embedded() {
		return &appsv1.StatefulSet{
			TypeMeta: kindOf(appsv1.SchemeGroupVersion, "StatefulSet"), ObjectMeta: r.meta(r.name()),
			Spec: appsv1.StatefulSetSpec{
				Replicas: new(int32(1)), Selector: match, Template: r.podTemplate(), ServiceName: r.name(),
				// OrderedReady would wait for good for a Pod that never gets ready, whatever
				// the template becomes.
				PodManagementPolicy:  appsv1.ParallelPodManagement,
				RevisionHistoryLimit: new(int32(2)),
			},
		}
	}
	return &appsv1.Deployment{
		TypeMeta: kindOf(appsv1.SchemeGroupVersion, "Deployment"), ObjectMeta: r.meta(r.name()),
		Spec: appsv1.DeploymentSpec{
			Replicas: r.managed().Replicas, Selector: match, Template: r.podTemplate(),
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromInt32(1)), MaxUnavailable: new(intstr.FromInt32(0))},
			},
			RevisionHistoryLimit: new(int32(2)),
		},
	}
}
