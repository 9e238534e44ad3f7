package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ManagedServer is a `clientele server` that the operator runs.
// +kubebuilder:validation:XValidation:rule="self.storage.type != 'Embedded' || !has(self.replicas) || self.replicas == 1",message="replicas must be 1 or absent where storage.type is Embedded: the database is a file that one server uses; for more replicas set storage.type to Postgres"
type ManagedServer struct {
	// replicas is how many servers run. Absent: 2 with storage.type Postgres, 1
	// with Embedded, written once, so that a HorizontalPodAutoscaler may change it.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// image of the server. Absent: the operator's own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][!-~]*$`
	// +optional
	Image string `json:"image,omitempty"`

	// storage is where the server keeps clients, sessions and tokens.
	// +kubebuilder:default={type: Embedded}
	// +optional
	Storage ManagedStorage `json:"storage,omitzero"`

	// tls says where the certificate of the public endpoints comes from.
	// +kubebuilder:default={type: Generated}
	// +optional
	TLS ManagedTLS `json:"tls,omitzero"`

	// service is the Service of the public endpoints.
	// +kubebuilder:default={type: ClusterIP}
	// +optional
	Service ManagedService `json:"service,omitzero"`

	// pod says where the server's Pods run, and with what resources.
	// +optional
	Pod ManagedPod `json:"pod,omitzero"`

	// disruptionBudget makes a PodDisruptionBudget that lets one Pod be evicted at
	// a time.
	// +kubebuilder:default=Enabled
	// +optional
	DisruptionBudget Switch `json:"disruptionBudget,omitempty"`

	// networkPolicy makes a NetworkPolicy: the public endpoints and the metrics are
	// open to all, the registrar API to the operator, and outgoing traffic is free.
	// +kubebuilder:default=Enabled
	// +optional
	NetworkPolicy Switch `json:"networkPolicy,omitempty"`
}

// Switch turns something on or off.
// +kubebuilder:validation:Enum=Enabled;Disabled
type Switch string

// The positions of a Switch.
const (
	Enabled  Switch = "Enabled"
	Disabled Switch = "Disabled"
)

// StorageType says where a Managed server keeps its data.
// +kubebuilder:validation:Enum=Embedded;Postgres
type StorageType string

// The places where a Managed server keeps its data.
const (
	// StorageEmbedded is a file that one server uses.
	StorageEmbedded StorageType = "Embedded"
	// StoragePostgres is a PostgreSQL database that all replicas use.
	StoragePostgres StorageType = "Postgres"
)

// ManagedStorage is where a Managed server keeps clients, sessions and tokens. The
// type may change: OAuthClients keep their ids and secrets; sessions, refresh tokens
// and clients that registered themselves are not carried over.
// +kubebuilder:validation:XValidation:rule="!has(self.embedded) || self.type == 'Embedded'",message="embedded must not be set unless type is Embedded"
// +kubebuilder:validation:XValidation:rule="has(self.postgres) == (self.type == 'Postgres')",message="postgres must be set if, and only if, type is Postgres"
type ManagedStorage struct {
	// type is Embedded (a file, one replica) or Postgres.
	// +kubebuilder:default=Embedded
	// +optional
	Type StorageType `json:"type,omitempty"`

	// embedded says where the file is.
	// +optional
	Embedded *EmbeddedStorage `json:"embedded,omitempty"`

	// postgres says how the database is reached.
	// +optional
	Postgres *PostgresStorage `json:"postgres,omitempty"`
}

// EmbeddedStorage says where the file of the embedded database is.
type EmbeddedStorage struct {
	// volumeClaim makes the PersistentVolumeClaim clientele-<name>-data, which
	// outlives the AuthorizationServer. Absent: an emptyDir, lost with the Pod; the
	// OAuthClients are then registered again with the same ids and secrets, people
	// have to sign in again, and clients that registered themselves are lost.
	// +optional
	VolumeClaim *VolumeClaim `json:"volumeClaim,omitempty"`
}

// VolumeClaim is a PersistentVolumeClaim with access mode ReadWriteOnce.
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName is immutable, set or not: a PersistentVolumeClaim keeps its class"
type VolumeClaim struct {
	// size of the volume, a quantity such as 1Gi. It can only grow, and only if the
	// StorageClass allows expansion.
	// +kubebuilder:default="1Gi"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))",message="size must be a quantity above 0, such as 1Gi"
	// +kubebuilder:validation:XValidation:rule="!isQuantity(self) || !isQuantity(oldSelf) || quantity(self).compareTo(quantity(oldSelf)) >= 0",message="size can only grow: a volume does not shrink"
	// +optional
	Size string `json:"size,omitempty"`

	// storageClassName is the StorageClass of the volume. Absent: the cluster's
	// default one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// PostgresStorage says how a PostgreSQL database is reached.
type PostgresStorage struct {
	// dsnSecretRef names a Secret beside the AuthorizationServer with the connection
	// string, such as postgres://user:password@host/database. The key is absent: uri.
	// A changed string is used for new connections, without a restart.
	// +required
	DSNSecretRef SecretKeyReference `json:"dsnSecretRef"`

	// caSecretRef names a Secret beside the AuthorizationServer with the PEM
	// certificates that the database's certificate must chain to. The key is absent:
	// ca.crt. With it sslmode is verify-full, unless the connection string says
	// otherwise.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}

// TLSType says where the certificate of a Managed server's public endpoints comes
// from.
// +kubebuilder:validation:Enum=Generated;CertManager;Secret
type TLSType string

// The sources of the certificate of the public endpoints.
const (
	// TLSGenerated is a certificate of the operator's own CA for this server.
	TLSGenerated TLSType = "Generated"
	// TLSCertManager is a certificate of cert-manager's.
	TLSCertManager TLSType = "CertManager"
	// TLSSecret is a certificate in a Secret that is not the operator's.
	TLSSecret TLSType = "Secret"
)

// ManagedTLS says where the certificate of the public endpoints comes from. The
// operator itself reaches the server on a port of its own, whose certificate is
// always signed by the CA in Secret clientele-<name>-ca.
// +kubebuilder:validation:XValidation:rule="!has(self.generated) || self.type == 'Generated'",message="generated must not be set unless type is Generated"
// +kubebuilder:validation:XValidation:rule="has(self.certManager) == (self.type == 'CertManager')",message="certManager must be set if, and only if, type is CertManager"
// +kubebuilder:validation:XValidation:rule="has(self.secret) == (self.type == 'Secret')",message="secret must be set if, and only if, type is Secret"
type ManagedTLS struct {
	// type is Generated (by the operator), CertManager or Secret.
	// +kubebuilder:default=Generated
	// +optional
	Type TLSType `json:"type,omitempty"`

	// generated governs the operator's own CA.
	// +optional
	Generated *GeneratedTLS `json:"generated,omitempty"`

	// certManager says who signs the certificate.
	// +optional
	CertManager *CertManagerTLS `json:"certManager,omitempty"`

	// secret is a Secret beside the AuthorizationServer of type kubernetes.io/tls.
	// With a key ca.crt, apps get that as the CA of the server's certificate.
	// +optional
	Secret *TLSSecretReference `json:"secret,omitempty"`
}

// GeneratedTLS governs the operator's own CA.
type GeneratedTLS struct {
	// caOverlap is how long the next CA is in ConfigMap clientele-<name>-ca, beside
	// the one that signs, before it signs: the time in which every client has to
	// read the ConfigMap again.
	// +kubebuilder:default="720h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('10s') && duration(self) <= duration('4320h')",message="caOverlap must be a duration in h, m and s between 10s and 4320h, such as 720h"
	// +optional
	CAOverlap metav1.Duration `json:"caOverlap,omitzero"`
}

// CertManagerTLS says which issuer of cert-manager signs the certificate.
type CertManagerTLS struct {
	// issuerRef names the issuer.
	// +required
	IssuerRef CertManagerIssuer `json:"issuerRef"`
}

// CertManagerIssuer names an issuer of cert-manager.
type CertManagerIssuer struct {
	// name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// kind of the issuer: Issuer, ClusterIssuer, or one of another group.
	// +kubebuilder:default=Issuer
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`

	// group of the issuer's kind.
	// +kubebuilder:default="cert-manager.io"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Group string `json:"group,omitempty"`
}

// TLSSecretReference names a Secret of type kubernetes.io/tls.
type TLSSecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`
}

// ServiceType is a type of Service.
// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
type ServiceType string

// ManagedService is the Service clientele-<name> of the public endpoints.
// +kubebuilder:validation:XValidation:rule="!has(self.loadBalancerClass) || self.type == 'LoadBalancer'",message="loadBalancerClass must not be set unless type is LoadBalancer"
// +kubebuilder:validation:XValidation:rule="self.type != 'LoadBalancer' || oldSelf.type != 'LoadBalancer' || (has(self.loadBalancerClass) == has(oldSelf.loadBalancerClass) && (!has(self.loadBalancerClass) || self.loadBalancerClass == oldSelf.loadBalancerClass))",message="loadBalancerClass is immutable while type is LoadBalancer, set or not: set type to ClusterIP first"
type ManagedService struct {
	// type of the Service.
	// +kubebuilder:default=ClusterIP
	// +optional
	Type ServiceType `json:"type,omitempty"`

	// annotations of the Service, such as those that a load balancer reads.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// loadBalancerClass says which load balancer serves a Service of type
	// LoadBalancer. Absent: the cluster's default one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`
}

// ManagedPod says where the server's Pods run, and with what resources. It has the
// fields of a Pod that neither mount anything nor run anything beside the server:
// the keys that sign tokens are in these Pods.
type ManagedPod struct {
	// labels of the Pods, beside the operator's own.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['app.kubernetes.io/name', 'app.kubernetes.io/managed-by', 'oauth.clientele.dev/server'])",message="labels must not hold app.kubernetes.io/name, app.kubernetes.io/managed-by or oauth.clientele.dev/server: the operator sets them"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// annotations of the Pods.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// nodeSelector is the labels that a node must have.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations of taints of nodes.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity to nodes and to other Pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// topologySpreadConstraints spread the Pods. Absent: over nodes and zones, as far
	// as that is possible. A constraint without labelSelector is about the Pods of
	// this server.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// priorityClassName is the PriorityClass of the Pods.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// resources of the server's container. Absent: requests of 50m CPU and 64Mi
	// memory, and a limit of 512Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// imagePullSecrets name Secrets beside the AuthorizationServer with which the
	// image is pulled.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +optional
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
}

// ManagedServerStatus is what the operator observed of a server that it runs.
type ManagedServerStatus struct {
	// version of the servers that run; while they are being replaced, the oldest.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Version string `json:"version,omitempty"`

	// image that the servers are to run.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`

	// replicas is how many Pods there are.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// readyReplicas is how many Pods serve.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// updatedReplicas is how many Pods are as the spec says.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`

	// certificateExpires is when the certificate of the public endpoints ends.
	// +optional
	CertificateExpires *metav1.Time `json:"certificateExpires,omitempty"`

	// caExpires is when the CA ends that signs the certificate of the registrar API,
	// and with tls.type Generated that of the public endpoints.
	// +optional
	CAExpires *metav1.Time `json:"caExpires,omitempty"`
}
