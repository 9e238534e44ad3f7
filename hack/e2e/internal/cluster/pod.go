package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Pod is one run of a program of an image.
type Pod struct {
	Namespace, Name string
	Image           string
	Args            []string
	// Mounts are the Secrets and ConfigMaps that it sees as files, by the folder.
	Mounts map[string]corev1.VolumeSource
}

// Secret for Pod.Mounts.
func Secret(name string) corev1.VolumeSource {
	return corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}
}

// ConfigMap for Pod.Mounts.
func ConfigMap(name string) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
}

// RunPod runs a Pod to its end and returns its log and exit code.
func (c *Cluster) RunPod(t testing.TB, p Pod, within time.Duration, why string) (log string, exit int32) {
	t.Helper()
	pod := p.object()
	if err := c.Create(t.Context(), pod); err != nil {
		t.Fatalf("%s: %v", why, err)
	}
	defer func() {
		_ = c.Delete(context.WithoutCancel(t.Context()), pod, client.GracePeriodSeconds(0)) // its namespace goes with the scenario
	}()
	Await(t, c, pod, within, why, func(pod *corev1.Pod) string {
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			return ""
		}
		return "it has not ended; " + podState(pod)
	})
	raw, err := c.Kubernetes.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("%s: the log of Pod %s/%s: %v", why, p.Namespace, p.Name, err)
	}
	return string(raw), pod.Status.ContainerStatuses[0].State.Terminated.ExitCode
}

// MustRunPod is RunPod of what has to exit with 0.
func (c *Cluster) MustRunPod(t testing.TB, p Pod, within time.Duration, why string) string {
	t.Helper()
	log, exit := c.RunPod(t, p, within, why)
	if exit != 0 {
		t.Fatalf("%s: %s exited with %d:\n%s", why, strings.Join(p.Args, " "), exit, log)
	}
	return log
}

func (p Pod) object() *corev1.Pod {
	container := corev1.Container{
		Name: "main", Image: p.Image, Args: p.Args, ImagePullPolicy: corev1.PullIfNotPresent,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), RunAsNonRoot: new(true),
			Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	spec := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(false)}
	for folder, source := range p.Mounts {
		volume := fmt.Sprintf("v%d", len(spec.Volumes))
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: volume, VolumeSource: source})
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: folder, ReadOnly: true})
	}
	spec.Containers = []corev1.Container{container}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name}, Spec: spec}
}

func podState(pod *corev1.Pod) string {
	var parts []string
	for _, s := range pod.Status.ContainerStatuses {
		switch {
		case s.State.Waiting != nil:
			parts = append(parts, fmt.Sprintf("%s waits: %s %s", s.Name, s.State.Waiting.Reason, s.State.Waiting.Message))
		case s.State.Running != nil:
			parts = append(parts, s.Name+" runs")
		}
	}
	return fmt.Sprintf("phase %s %s", pod.Status.Phase, strings.Join(parts, ", "))
}
