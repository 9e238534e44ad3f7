package kube

import (
	"context"
	"fmt"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/authserver/oauth"
)

// watched is one object, watched by name. By its name rather than by a label: a
// Role can then grant this object and no other.
type watched struct {
	kind     string
	key      string // namespace/name
	informer cache.SharedInformer
	failure  atomic.Pointer[failure] // why it cannot be watched; nil: it can
}

// failure is why an object cannot be watched.
type failure struct {
	text      string // what the API server says of a missing right or kind; it holds no data
	forbidden bool
}

// watch prepares to watch the object. changed is called, from any goroutine, when
// it, or the reason why it cannot be seen, may have changed.
func (a *Adapter) watch(kind, name string, list client.ObjectList, object client.Object, changed func()) (*watched, error) {
	w := &watched{kind: kind, key: a.namespace + "/" + name}
	seen := func() { // (again): what is kept need not have changed meanwhile
		if w.failure.Swap(nil) != nil {
			changed()
		}
	}
	w.informer = cache.NewSharedInformer(a.listWatch(list, name, seen), object, 0)
	err := w.informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		now := failure{err.Error(), apierrors.IsForbidden(err)}
		if old := w.failure.Swap(&now); old == nil || *old != now {
			a.log.Warn("cannot watch", "kind", kind, "object", w.key, "error", err)
			changed()
		}
	})
	if err == nil {
		_, err = w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { changed() },
			UpdateFunc: func(any, any) { changed() },
			DeleteFunc: func(any) { changed() },
		})
	}
	if err != nil {
		return nil, fmt.Errorf("watch %s %s: %w", kind, w.key, err)
	}
	return w, nil
}

func (a *Adapter) listWatch(list client.ObjectList, name string, seen func()) cache.ListerWatcher {
	options := func(o metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{
			Namespace:     a.namespace,
			FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name),
			Raw:           &o,
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			into := list.DeepCopyObject().(client.ObjectList)
			err := a.client.List(ctx, into, options(o))
			if err == nil {
				seen()
			}
			return into, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := a.client.Watch(ctx, list.DeepCopyObject().(client.ObjectList), options(o))
			if err == nil {
				seen()
			}
			return w, err
		},
	}
}

// get returns the object; nil if it is not there or has not been seen yet.
func (w *watched) get() any {
	object, exists, err := w.informer.GetStore().GetByKey(w.key)
	if err != nil || !exists {
		return nil
	}
	return object
}

// missing says why there is none.
func (w *watched) missing() string {
	if failure := w.failure.Load(); failure != nil {
		return fmt.Sprintf("waiting for %s %s: %s", w.kind, w.key, failure.text)
	}
	if !w.informer.HasSynced() {
		return fmt.Sprintf("waiting for the API server to tell of %s %s", w.kind, w.key)
	}
	return fmt.Sprintf("waiting for %s %s: it does not exist", w.kind, w.key)
}

// absent says which kind of reason missing tells.
func (w *watched) absent() oauth.UsersReason {
	switch {
	case w.forbidden():
		return oauth.UsersSecretForbidden
	case w.failure.Load() != nil || !w.informer.HasSynced():
		return oauth.UsersPending
	}
	return oauth.UsersSecretMissing
}

// forbidden: the object may not be read, or not any more. What was read may be kept.
func (w *watched) forbidden() bool {
	failure := w.failure.Load()
	return failure != nil && failure.forbidden
}
