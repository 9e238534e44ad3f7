package managed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxWords bounds, in bytes, what is taken over of a text that is not ours.
	maxWords = 512
	// refusedAfter is how long a StatefulSet may be without a Pod before its events are
	// read: it has no condition that says why.
	refusedAfter = 5 * time.Second
	// stuckAfter is how long a Pod may be without a container that runs before its
	// events are read.
	stuckAfter = 15 * time.Second
)

// observe takes in what the workload and its Pods say.
func (p *pass) observe(ctx context.Context) error {
	if err := p.observeWorkload(ctx); err != nil {
		return err
	}
	pods, err := p.pods(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	revision := p.render.podTemplate().Annotations[annotationRevision]
	for i := range pods {
		pod := describePod(&pods[i])
		pod.Current = pods[i].Annotations[annotationRevision] == revision
		if pod.Trouble == nil && !pod.Ready && pods[i].DeletionTimestamp.IsZero() {
			pod.Trouble = p.stuck(ctx, &pods[i])
		}
		p.state.Pods = append(p.state.Pods, pod)
	}
	p.noteSettled()
	return nil
}

// noteSettled keeps since when Pods are being made or replaced.
func (p *pass) noteSettled() {
	m := p.memory
	settled := p.state.Workload.Complete() && !slices.ContainsFunc(p.state.Pods, func(pod Pod) bool { return !pod.Ready })
	switch {
	case !settled && m.unsettledSince.IsZero():
		m.unsettledSince = p.Now()
	case settled && !m.unsettledSince.IsZero():
		m.unsettledSince, m.settledAt = time.Time{}, p.Now()
	}
	p.state.UnsettledSince, p.state.SettledAt = m.unsettledSince, m.settledAt
}

func (p *pass) observeWorkload(ctx context.Context) error {
	key := client.ObjectKey{Namespace: p.as.Namespace, Name: p.render.name()}
	w := &p.state.Workload
	var err error
	if p.render.embedded() {
		w.Kind, w.Wanted = "StatefulSet", 1
		set := &appsv1.StatefulSet{}
		if err = p.Client.Get(ctx, key, set); err == nil {
			w.Observed = p.observed(set, w.Kind, set.Status.ObservedGeneration)
			w.Replicas, w.Updated, w.Ready = set.Status.Replicas, set.Status.UpdatedReplicas, set.Status.ReadyReplicas
			if w.Observed && w.Replicas == 0 {
				w.Refused = p.refused(ctx, set)
			}
		}
	} else {
		w.Kind = "Deployment"
		d := &appsv1.Deployment{}
		if err = p.Client.Get(ctx, key, d); err == nil {
			w.Wanted = 1
			if d.Spec.Replicas != nil {
				w.Wanted = *d.Spec.Replicas
			}
			w.Observed = p.observed(d, w.Kind, d.Status.ObservedGeneration)
			w.Replicas, w.Updated, w.Ready = d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas
			w.Refused = refusedReplicas(d)
		}
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read %s %s: %w", w.Kind, key, err)
	}
	return nil
}

// observed says that what a workload's status tells is about the workload as it was
// applied last. The cache may be older than that.
func (p *pass) observed(o client.Object, kind string, observedGeneration int64) bool {
	last, ok := p.memory.applied[kind+" "+o.GetNamespace()+"/"+o.GetName()]
	return ok && o.GetGeneration() >= last.generation && observedGeneration >= o.GetGeneration()
}

// refusedReplicas is why a Deployment's ReplicaSet cannot make Pods.
func refusedReplicas(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return oneLine(c.Message)
		}
	}
	return ""
}

// refused is why a StatefulSet cannot make its Pod.
func (p *pass) refused(ctx context.Context, set *appsv1.StatefulSet) string {
	if wait := set.CreationTimestamp.Add(refusedAfter).Sub(p.Now()); wait > 0 {
		p.lookAgain(wait)
		return ""
	}
	p.lookAgain(problemRetry)
	return p.lastWarning(ctx, "StatefulSet", set, "FailedCreate")
}

// stuck is why a Pod that is scheduled has no container yet, if that takes long: a volume
// that cannot be mounted shows in events only.
func (p *pass) stuck(ctx context.Context, pod *corev1.Pod) *Problem {
	if pod.Status.StartTime == nil || slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.State.Running != nil || s.State.Terminated != nil
	}) {
		return nil
	}
	if wait := pod.Status.StartTime.Add(stuckAfter).Sub(p.Now()); wait > 0 {
		p.lookAgain(wait)
		return nil
	}
	p.lookAgain(problemRetry)
	words := p.lastWarning(ctx, "Pod", pod, "")
	if words == "" {
		return nil
	}
	return &Problem{v1alpha1.ReasonProgressing, "Pod " + pod.Name + " waits: " + words}
}

// lastWarning is the note of the newest warning about an object; empty: there is none, or
// it cannot be read.
func (p *pass) lastWarning(ctx context.Context, kind string, o client.Object, reason string) string {
	var list corev1.EventList
	about := fields.Set{"involvedObject.kind": kind, "involvedObject.uid": string(o.GetUID()), "type": corev1.EventTypeWarning}
	if reason != "" {
		about["reason"] = reason
	}
	err := p.Live.List(ctx, &list, client.InNamespace(p.as.Namespace), client.MatchingFieldsSelector{Selector: about.AsSelector()})
	if err != nil || len(list.Items) == 0 {
		return ""
	}
	newest := slices.MaxFunc(list.Items, func(a, b corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
	return oneLine(newest.Message)
}

func eventTime(e corev1.Event) time.Time {
	if e.Series != nil {
		return e.Series.LastObservedTime.Time
	}
	if e.LastTimestamp.IsZero() {
		return e.EventTime.Time
	}
	return e.LastTimestamp.Time
}

// describePod says how a Pod is, and what is wrong with it. It asks nothing.
func describePod(pod *corev1.Pod) Pod {
	d := Pod{Name: pod.Name}
	if !pod.DeletionTimestamp.IsZero() {
		return d // it is not ready, and ends as it should
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			d.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, s := range pod.Status.ContainerStatuses {
		if s.Name != containerName {
			continue
		}
		end := s.State.Terminated
		if end == nil {
			end = s.LastTerminationState.Terminated
		}
		if end != nil {
			d.Ended, d.ExitCode, d.LastWords = true, end.ExitCode, oneLine(cmp.Or(end.Message, end.Reason))
		}
	}
	if !d.Ready {
		d.Trouble = trouble(pod, d)
	}
	return d
}

// trouble is why a Pod does not get ready; nil: it is on its way.
func trouble(pod *corev1.Pod, d Pod) *Problem {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &Problem{v1alpha1.ReasonUnschedulable, fmt.Sprintf("no node takes Pod %s: %s", pod.Name, oneLine(c.Message))}
		}
	}
	for _, s := range pod.Status.ContainerStatuses {
		if s.Name != containerName {
			continue
		}
		if w := s.State.Waiting; w != nil {
			if p := waiting(pod.Name, s.Image, w); p != nil {
				return p
			}
		}
		// A container that ended once may have been killed by its node.
		if d.Ended && s.RestartCount > 1 || d.Ended && s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" {
			return &Problem{v1alpha1.ReasonCrashLooping, fmt.Sprintf("the server in Pod %s ended %d times, last with exit code %d: %s",
				pod.Name, s.RestartCount+1, d.ExitCode, cmp.Or(d.LastWords, "it left no message; see its log"))}
		}
	}
	return nil
}

// waiting explains the kubelet's reasons.
func waiting(pod, image string, w *corev1.ContainerStateWaiting) *Problem {
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
		return &Problem{v1alpha1.ReasonImageUnavailable, fmt.Sprintf("Pod %s cannot get image %s: %s: %s", pod, image, w.Reason, oneLine(w.Message))}
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return &Problem{v1alpha1.ReasonInvalidPod, fmt.Sprintf("Pod %s cannot start: %s: %s", pod, w.Reason, oneLine(w.Message))}
	}
	return nil
}

// oneLine makes a text one line of bounded length.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(s), " "))
	return strings.ToValidUTF8(s[:min(len(s), maxWords)], "")
}
