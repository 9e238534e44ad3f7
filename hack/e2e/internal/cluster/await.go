package cluster

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"clientele.dev/clientele/api/v1alpha1"
)

// Await watches an object, whose name and namespace obj has, until missing returns
// "". Until then missing says what the object still lacks. If that takes longer than
// within, the scenario fails with why it waited, and what was missing last. obj is as
// the object was seen last.
func Await[T client.Object](t testing.TB, c *Cluster, obj T, within time.Duration, why string, missing func(T) string) {
	t.Helper()
	last := "it does not exist"
	err := c.follow(t.Context(), obj, within, func(exists bool) bool {
		if last = "it does not exist"; exists {
			last = missing(obj)
		}
		return last == ""
	})
	if err != nil {
		t.Fatalf("%s: waited %s for %s: %s (%v)", why, within, describe(c, obj), last, err)
	}
}

// AwaitGone watches an object until it is gone.
func AwaitGone(t testing.TB, c *Cluster, obj client.Object, within time.Duration, why string) {
	t.Helper()
	if err := c.follow(t.Context(), obj, within, func(exists bool) bool { return !exists }); err != nil {
		t.Fatalf("%s: waited %s for %s to go: it is still there, finalizers %v (%v)", why, within, describe(c, obj), obj.GetFinalizers(), err)
	}
}

// AwaitCondition watches an AuthorizationServer, OAuthClient or ScopePolicy until a
// condition has a status and reason ("" is any) for its present generation.
func AwaitCondition(t testing.TB, c *Cluster, obj client.Object, within time.Duration, why, condition string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var found metav1.Condition
	Await(t, c, obj, within, why, func(obj client.Object) string {
		all := Conditions(obj)
		is := meta.FindStatusCondition(all, condition)
		if is == nil {
			return fmt.Sprintf("there is no condition %s; %s", condition, text(all))
		}
		found = *is
		if is.Status != status || reason != "" && is.Reason != reason || is.ObservedGeneration != obj.GetGeneration() {
			return fmt.Sprintf("want %s=%s %s for generation %d; %s", condition, status, reason, obj.GetGeneration(), text(all))
		}
		return ""
	})
	return found
}

// Ready waits until an object of ours is Ready, and not being reconciled.
func Ready(t testing.TB, c *Cluster, obj client.Object, within time.Duration, why string) {
	t.Helper()
	Await(t, c, obj, within, why, func(obj client.Object) string {
		all := Conditions(obj)
		ready := meta.FindStatusCondition(all, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != obj.GetGeneration() ||
			meta.IsStatusConditionTrue(all, v1alpha1.ConditionReconciling) {
			return fmt.Sprintf("it is not Ready in generation %d; %s", obj.GetGeneration(), text(all))
		}
		return ""
	})
}

// Conditions of an object of ours.
func Conditions(obj client.Object) []metav1.Condition {
	switch o := obj.(type) {
	case *v1alpha1.AuthorizationServer:
		return o.Status.Conditions
	case *v1alpha1.OAuthClient:
		return o.Status.Conditions
	case *v1alpha1.ScopePolicy:
		return o.Status.Conditions
	case *v1alpha1.NamespaceAccess:
		return o.Status.Conditions
	}
	panic(fmt.Sprintf("no object of ours: %T", obj))
}

func text(all []metav1.Condition) string {
	if len(all) == 0 {
		return "it has no conditions"
	}
	var lines []string
	for _, c := range all {
		lines = append(lines, fmt.Sprintf("%s=%s %s (generation %d): %s", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message))
	}
	return "its conditions are\n  " + strings.Join(lines, "\n  ")
}

// follow calls seen with each state of an object, decoded into obj, until that
// returns true. A watch that ends, also because the API server is away, begins again.
func (c *Cluster) follow(ctx context.Context, obj client.Object, within time.Duration, seen func(exists bool) bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	var last error
	for {
		done, err := c.followOnce(ctx, obj, seen)
		if done {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-again.C:
		}
	}
}

func (c *Cluster) followOnce(ctx context.Context, obj client.Object, seen func(exists bool) bool) (bool, error) {
	kind, err := apiutil.GVKForObject(obj, c.Scheme())
	if err != nil {
		return false, err
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	named := []client.ListOption{client.InNamespace(obj.GetNamespace()), client.MatchingFields{"metadata.name": obj.GetName()}}
	if err := c.List(ctx, list, named...); err != nil {
		return false, err
	}
	for _, item := range list.Items {
		if err := decode(item, obj); err != nil {
			return false, err
		}
	}
	if seen(len(list.Items) > 0) {
		return true, nil
	}
	// From the list's version on, or a change between the two requests would be missed.
	w, err := c.Watch(ctx, list, append(named, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}})...)
	if err != nil {
		return false, err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		switch event.Type {
		case watch.Added, watch.Modified, watch.Deleted:
		case watch.Error:
			return false, apierrors.FromObject(event.Object)
		default:
			continue
		}
		if err := decode(*event.Object.(*unstructured.Unstructured), obj); err != nil {
			return false, err
		}
		if seen(event.Type != watch.Deleted) {
			return true, nil
		}
	}
	return false, nil
}

// decode into an object, of which nothing stays.
func decode(from unstructured.Unstructured, into client.Object) error {
	v := reflect.ValueOf(into).Elem()
	v.Set(reflect.Zero(v.Type()))
	return runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object, into)
}

// Eventually repeats try every second until it returns no error: for what cannot be
// watched.
func Eventually(t testing.TB, within time.Duration, why string, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: tried for %s: %v", why, within, err)
		case <-every.C:
		}
	}
}

func describe(c *Cluster, obj client.Object) string {
	kind, err := apiutil.GVKForObject(obj, c.Scheme())
	if err != nil {
		return fmt.Sprintf("%T %s", obj, client.ObjectKeyFromObject(obj))
	}
	return fmt.Sprintf("%s %s", kind.Kind, client.ObjectKeyFromObject(obj))
}
