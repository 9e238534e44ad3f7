package managed

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// annotationRevision, on a Pod, is the digest of the template that it was made of.
const annotationRevision = "oauth.clientele.dev/revision"

// containerName is that of the only container.
const containerName = "server"

// Where things are mounted in the Pods.
const (
	tlsDir          = "/etc/clientele/tls"
	registrarTLSDir = "/etc/clientele/registrar-tls"
	postgresDir     = "/etc/clientele/postgres"
	dataDir         = "/var/lib/clientele"
)

const (
	// user and group of the image.
	user = 65532
	// shutdownDelay is how long a server still serves after it was told to stop, so that
	// all nodes know by then. An embedded store has no other server that could serve
	// meanwhile.
	shutdownDelay = "8s"
	// gracePeriod, in seconds: shutdownDelay, 20 s for requests in flight, and some more.
	gracePeriod = 40
)

func kindOf(gv schema.GroupVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: gv.String(), Kind: kind}
}

// podTemplate is what the Pods are made of. It passes Pod Security's level restricted.
func (r renderer) podTemplate() corev1.PodTemplateSpec {
	p := r.managed().Pod
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: maps.Clone(p.Labels), Annotations: maps.Clone(p.Annotations)},
		Spec: corev1.PodSpec{
			ServiceAccountName:            r.name(),
			EnableServiceLinks:            new(false),
			TerminationGracePeriodSeconds: new(int64(gracePeriod)),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(user)), RunAsGroup: new(int64(user)),
				FSGroup: new(int64(user)), FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			NodeSelector:              p.NodeSelector,
			Tolerations:               p.Tolerations,
			Affinity:                  p.Affinity,
			TopologySpreadConstraints: r.spread(),
			PriorityClassName:         p.PriorityClassName,
			ImagePullSecrets:          p.ImagePullSecrets,
			Containers:                []corev1.Container{r.container()},
			Volumes:                   r.volumes(),
		},
	}
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	maps.Copy(t.Labels, labelsOf(r.as.Name))
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	t.Annotations[annotationRevision] = digest(t)
	return t
}

// digest tells templates apart.
func digest(t corev1.PodTemplateSpec) string {
	text, err := json.Marshal(t)
	if err != nil {
		panic(fmt.Sprintf("a Pod template cannot be written as JSON: %v", err)) // it has no such type
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func (r renderer) container() corev1.Container {
	c := corev1.Container{
		Name:  containerName,
		Image: r.serverImage(),
		Args:  r.args(),
		Ports: []corev1.ContainerPort{
			{Name: v1alpha1.PortNameHTTPS, ContainerPort: v1alpha1.PortHTTPS, Protocol: corev1.ProtocolTCP},
			{Name: v1alpha1.PortNameRegistrar, ContainerPort: v1alpha1.PortRegistrar, Protocol: corev1.ProtocolTCP},
			{Name: v1alpha1.PortNameMetrics, ContainerPort: v1alpha1.PortMetrics, Protocol: corev1.ProtocolTCP},
		},
		// A database that cannot be reached for five minutes restarts the server.
		StartupProbe:   probe("/healthz", 1, 2, 300),
		ReadinessProbe: probe("/readyz", 2, 2, 3),
		LivenessProbe:  probe("/healthz", 10, 5, 3),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts: r.mounts(),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
		},
	}
	if own := r.managed().Pod.Resources; own != nil {
		c.Resources = *own
	}
	return c
}

// probe asks the public endpoints; all times are in seconds.
func probe(path string, period, timeout, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(v1alpha1.PortNameHTTPS), Scheme: corev1.URISchemeHTTPS,
		}},
		PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures,
	}
}

func (r renderer) args() []string {
	args := []string{
		"server",
		"--authorization-server=" + r.as.Namespace + "/" + r.as.Name,
		fmt.Sprintf("--listen-address=:%d", v1alpha1.PortHTTPS),
		"--tls-cert-file=" + tlsDir + "/" + corev1.TLSCertKey,
		"--tls-key-file=" + tlsDir + "/" + corev1.TLSPrivateKeyKey,
		fmt.Sprintf("--registrar-address=:%d", v1alpha1.PortRegistrar),
		"--registrar-tls-cert-file=" + registrarTLSDir + "/" + corev1.TLSCertKey,
		"--registrar-tls-key-file=" + registrarTLSDir + "/" + corev1.TLSPrivateKeyKey,
		fmt.Sprintf("--metrics-address=:%d", v1alpha1.PortMetrics),
		"--cluster-id=" + r.clusterID,
		"--log-format=json",
	}
	if r.embedded() {
		return append(args, "--storage=embedded", "--data-dir="+dataDir, "--shutdown-delay=0s")
	}
	args = append(args, "--storage=postgres", "--postgres-dsn-file="+postgresDir+"/dsn", "--shutdown-delay="+shutdownDelay)
	if r.managed().Storage.Postgres.CASecretRef != nil {
		args = append(args, "--postgres-ca-file="+postgresDir+"/"+v1alpha1.CABundleKey)
	}
	return args
}

func (r renderer) mounts() []corev1.VolumeMount {
	m := []corev1.VolumeMount{
		{Name: "tls", MountPath: tlsDir, ReadOnly: true},
		{Name: "registrar-tls", MountPath: registrarTLSDir, ReadOnly: true},
		{Name: "tmp", MountPath: "/tmp"},
	}
	if r.embedded() {
		return append(m, corev1.VolumeMount{Name: "data", MountPath: dataDir})
	}
	return append(m, corev1.VolumeMount{Name: "postgres", MountPath: postgresDir, ReadOnly: true})
}

// publicSecret is the Secret with the certificate of the public endpoints.
func (r renderer) publicSecret() string {
	switch r.tlsType() {
	case v1alpha1.TLSCertManager:
		return v1alpha1.PublicCertificateName(r.as.Name)
	case v1alpha1.TLSSecret:
		return r.managed().TLS.Secret.Name
	}
	return v1alpha1.ServingCertificateName(r.as.Name)
}

func (r renderer) volumes() []corev1.Volume {
	v := []corev1.Volume{
		certificateVolume("tls", r.publicSecret()),
		certificateVolume("registrar-tls", v1alpha1.ServingCertificateName(r.as.Name)),
		{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	switch {
	case !r.embedded():
		return append(v, r.postgresVolume())
	case r.claim() != nil:
		return append(v, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: v1alpha1.DataClaimName(r.as.Name)},
		}})
	}
	return append(v, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
}

// readable by the group of the Pod, which is fsGroup, and by no others.
const secretMode int32 = 0o440

// certificateVolume mounts two keys only: a Secret that is not ours may hold more.
func certificateVolume(name, secret string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
		SecretName: secret, DefaultMode: new(secretMode),
		Items: []corev1.KeyToPath{{Key: corev1.TLSCertKey, Path: corev1.TLSCertKey}, {Key: corev1.TLSPrivateKeyKey, Path: corev1.TLSPrivateKeyKey}},
	}}}
}

func (r renderer) postgresVolume() corev1.Volume {
	source := func(ref v1alpha1.SecretKeyReference, key, path string) corev1.VolumeProjection {
		return corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: ref.Name},
			Items:                []corev1.KeyToPath{{Key: cmp.Or(ref.Key, key), Path: path}},
		}}
	}
	p := r.managed().Storage.Postgres
	sources := []corev1.VolumeProjection{source(p.DSNSecretRef, v1alpha1.PostgresDSNKey, "dsn")}
	if p.CASecretRef != nil {
		sources = append(sources, source(*p.CASecretRef, v1alpha1.CABundleKey, v1alpha1.CABundleKey))
	}
	return corev1.Volume{Name: "postgres", VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: sources, DefaultMode: new(secretMode)},
	}}
}

// spread puts the Pods on different nodes and in different zones where that is possible.
func (r renderer) spread() []corev1.TopologySpreadConstraint {
	own := &metav1.LabelSelector{MatchLabels: selector(r.as.Name)}
	if given := r.managed().Pod.TopologySpreadConstraints; len(given) > 0 {
		all := make([]corev1.TopologySpreadConstraint, 0, len(given))
		for _, c := range given {
			if c.LabelSelector == nil {
				c.LabelSelector = own
			}
			all = append(all, c)
		}
		return all
	}
	if r.embedded() {
		return nil
	}
	var all []corev1.TopologySpreadConstraint
	for _, key := range []string{corev1.LabelHostname, corev1.LabelTopologyZone} {
		all = append(all, corev1.TopologySpreadConstraint{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: own,
			// Otherwise Pods that a roll-out is about to stop would count.
			MatchLabelKeys: []string{"pod-template-hash"},
		})
	}
	return all
}
