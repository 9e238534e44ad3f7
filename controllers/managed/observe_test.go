package managed

import (
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDescribePod(t *testing.T) {
	container := func(s corev1.ContainerStatus) func(*corev1.PodStatus) {
		return func(p *corev1.PodStatus) {
			s.Name, s.Image = containerName, "image:1"
			p.ContainerStatuses = []corev1.ContainerStatus{{Name: "injected", State: waitingFor("ImagePullBackOff", "of a mesh")}, s}
		}
	}
	condition := func(c corev1.PodConditionType, s corev1.ConditionStatus, reason, message string) func(*corev1.PodStatus) {
		return func(p *corev1.PodStatus) {
			p.Conditions = append(p.Conditions, corev1.PodCondition{Type: c, Status: s, Reason: reason, Message: message})
		}
	}
	ended := &corev1.ContainerStateTerminated{ExitCode: 4, Message: "SchemaTooNew: newer\nthan this"}
	for _, tc := range []struct {
		name   string
		status func(*corev1.PodStatus)
		reason string
		says   []string
	}{
		{"new", func(*corev1.PodStatus) {}, "", nil},
		{"pulling", container(corev1.ContainerStatus{State: waitingFor("ContainerCreating", "")}), "", nil},
		{"no node", condition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, "0/3 nodes"), v1alpha1.ReasonUnschedulable, []string{"0/3 nodes", "Pod x"}},
		{"gated", condition(corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonSchedulingGated, ""), "", nil},
		{"no image", container(corev1.ContainerStatus{State: waitingFor("ErrImagePull", "not found")}), v1alpha1.ReasonImageUnavailable, []string{"image:1", "ErrImagePull", "not found"}},
		{"no image, backing off", container(corev1.ContainerStatus{State: waitingFor("ImagePullBackOff", "")}), v1alpha1.ReasonImageUnavailable, nil},
		{"bad config", container(corev1.ContainerStatus{State: waitingFor("CreateContainerConfigError", "no such key")}), v1alpha1.ReasonInvalidPod, []string{"no such key"}},
		{"crashing", container(corev1.ContainerStatus{RestartCount: 1, State: waitingFor("CrashLoopBackOff", ""), LastTerminationState: corev1.ContainerState{Terminated: ended}}),
			v1alpha1.ReasonCrashLooping, []string{"2 times", "exit code 4", "SchemaTooNew: newer than this"}},
		{"started again once", container(corev1.ContainerStatus{RestartCount: 1, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, LastTerminationState: corev1.ContainerState{Terminated: ended}}), "", nil},
		{"crashing without words", container(corev1.ContainerStatus{RestartCount: 3, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}}),
			v1alpha1.ReasonCrashLooping, []string{"see its log"}},
		{"ready", func(p *corev1.PodStatus) {
			condition(corev1.PodReady, corev1.ConditionTrue, "", "")(p)
			container(corev1.ContainerStatus{RestartCount: 9, LastTerminationState: corev1.ContainerState{Terminated: ended}})(p)
		}, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x"}}
			tc.status(&pod.Status)
			got := describePod(pod)
			if got.Ready != (tc.name == "ready") {
				t.Errorf("ready: %v", got.Ready)
			}
			if tc.reason == "" {
				if got.Trouble != nil {
					t.Errorf("%+v", got.Trouble)
				}
				return
			}
			if got.Trouble == nil || got.Trouble.Reason != tc.reason {
				t.Fatalf("%+v", got.Trouble)
			}
			for _, want := range tc.says {
				if !strings.Contains(got.Trouble.Message, want) {
					t.Errorf("%q does not say %q", got.Trouble.Message, want)
				}
			}
		})
	}
	stopping := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x", DeletionTimestamp: new(metav1.Now())}}
	condition(corev1.PodReady, corev1.ConditionTrue, "", "")(&stopping.Status)
	container(corev1.ContainerStatus{State: corev1.ContainerState{Terminated: ended}})(&stopping.Status)
	if d := describePod(stopping); d.Ready || d.Ended || d.Trouble != nil {
		t.Errorf("a Pod that is being stopped counts as %+v", d)
	}
}

func waitingFor(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func TestOneLine(t *testing.T) {
	if got := oneLine(" a\nb\x00c\xff\u202e "); got != "a b c   " && got != "a b c  " {
		t.Errorf("%q", got)
	}
	if got := oneLine(strings.Repeat("é", 400)); len(got) > maxWords {
		t.Errorf("%d bytes", len(got))
	}
}
