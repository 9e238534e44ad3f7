package bootstrap

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// wait returns once an object is Ready, or when ctx ends, with why it is not.
func (w worker) wait(ctx context.Context, o *unstructured.Unstructured) error {
	why := "it was not read"
	for {
		have := &unstructured.Unstructured{}
		have.SetGroupVersionKind(o.GroupVersionKind())
		err := w.client.Get(ctx, client.ObjectKeyFromObject(o), have)
		now := ""
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s is not Ready in time: %s", describe(o), why)
		case err != nil:
			now = explain(err)
		default:
			if now, err = w.judge(have); err != nil {
				return err
			}
		}
		switch {
		case now == "":
			w.say("%s: Ready", describe(o))
			return nil
		case notAwaited(have):
			w.say("%s: not waited for, because `clientele server` must be started for it: %s", describe(o), now)
			return nil
		case now != why:
			why = now
			w.say("%s: waiting: %s", describe(o), why)
		}
		if pause(ctx, w.every) != nil {
			return fmt.Errorf("%s is not Ready in time: %s", describe(o), why)
		}
	}
}

// notAwaited is an AuthorizationServer that the operator does not run: its server can be
// started only once the object is there.
func notAwaited(o *unstructured.Unstructured) bool {
	kind, _, _ := unstructured.NestedString(o.Object, "spec", "type")
	return o.GetKind() == "AuthorizationServer" && kind != "" && kind != string(v1alpha1.AuthorizationServerManaged)
}

// state is what the kinds of this API have in common.
type state struct {
	Spec struct {
		Type    v1alpha1.AuthorizationServerType `json:"type"`
		Managed *struct {
			Image string `json:"image"`
		} `json:"managed"`
	} `json:"spec"`
	Status struct {
		ObservedGeneration int64              `json:"observedGeneration"`
		Conditions         []metav1.Condition `json:"conditions"`
		Managed            struct {
			Image string `json:"image"`
		} `json:"managed"`
	} `json:"status"`
}

// judge returns why an object is not Ready; empty if it is.
func (w worker) judge(o *unstructured.Unstructured) (string, error) {
	var s state
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &s); err != nil {
		return "", fmt.Errorf("read %s: %w", describe(o), err)
	}
	if o.GetDeletionTimestamp() != nil {
		return "it is being deleted", nil
	}
	if s.Status.ObservedGeneration < o.GetGeneration() {
		return "the operator has not seen this version of it: do the operator's Pods run, and is one the leader?", nil
	}
	if m := s.Spec.Managed; m != nil && m.Image == "" && w.image != "" && s.Status.Managed.Image != w.image {
		return fmt.Sprintf("the operator has yet to roll its servers to image %s (they run %s)", w.image, cmp.Or(s.Status.Managed.Image, "none")), nil
	}
	ready := find(s.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "it has no condition Ready yet", nil
	case ready.Status != metav1.ConditionTrue:
		return tell(ready) + others(s.Status.Conditions, ready), nil
	}
	if r := find(s.Status.Conditions, v1alpha1.ConditionReconciling); r != nil && r.Status == metav1.ConditionTrue {
		return tell(r), nil
	}
	return "", nil
}

// others are the false conditions beside Ready that say something else.
func others(all []metav1.Condition, ready *metav1.Condition) string {
	var lines []string
	for i := range all {
		c := &all[i]
		if c.Status == metav1.ConditionFalse && c.Type != ready.Type && c.Message != ready.Message {
			lines = append(lines, "; "+c.Type+": "+tell(c))
		}
	}
	return strings.Join(lines, "")
}

func tell(c *metav1.Condition) string { return c.Reason + ": " + c.Message }

func find(all []metav1.Condition, kind string) *metav1.Condition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}
