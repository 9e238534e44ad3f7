package registrar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxAppsBundle bounds a bundle that is copied into each credentials Secret, in bytes.
const maxAppsBundle = 64 << 10

// ErrCABundle: the object that caBundleRef names cannot be used.
var ErrCABundle = errors.New("the CA bundle cannot be used")

// Bundles reads the CA bundles that AuthorizationServers name.
type Bundles interface {
	// Follow calls set with the bundle, or with why it cannot be read, now and
	// whenever it changes, until ctx ends. It does not block for long.
	Follow(ctx context.Context, namespace string, ref v1alpha1.CABundleReference, set func(pem []byte, err error))
}

// ReadBundles reads a bundle once, for programs that soon end.
type ReadBundles struct{ Client client.Client }

// Follow implements Bundles.
func (b ReadBundles) Follow(ctx context.Context, namespace string, ref v1alpha1.CABundleReference, set func([]byte, error)) {
	_, object := bundleTypes(ref)
	err := b.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, object)
	if apierrors.IsNotFound(err) {
		object, err = nil, nil
	}
	if err != nil {
		set(nil, unreadableBundle(namespace, ref, err))
		return
	}
	set(bundleOf(namespace, ref, object))
}

// WatchBundles watches each bundle by its name: no other ConfigMap or Secret is
// cached, and the operator's Role can be as small.
type WatchBundles struct{ Client client.WithWatch }

// Follow implements Bundles.
func (b WatchBundles) Follow(ctx context.Context, namespace string, ref v1alpha1.CABundleReference, set func([]byte, error)) {
	list, object := bundleTypes(ref)
	informer := cache.NewSharedInformer(b.listWatch(list, namespace, ref.Name), object, 0)
	tell := func() {
		if have, exists, err := informer.GetStore().GetByKey(namespace + "/" + ref.Name); err == nil && exists {
			set(bundleOf(namespace, ref, have.(client.Object)))
			return
		}
		set(bundleOf(namespace, ref, nil))
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() },
	})
	err = errors.Join(err, informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) {
		if !informer.HasSynced() || apierrors.IsForbidden(err) {
			set(nil, unreadableBundle(namespace, ref, err))
		}
	}))
	if err != nil {
		set(nil, unreadableBundle(namespace, ref, err))
		return
	}
	set(nil, fmt.Errorf("%w: %s has not been read yet", ErrCABundle, bundleName(namespace, ref)))
	go informer.RunWithContext(ctx)
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			tell()
		}
	}()
}

func (b WatchBundles) listWatch(list client.ObjectList, namespace, name string) cache.ListerWatcher {
	options := func(o metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{Namespace: namespace, FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name), Raw: &o}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			into := list.DeepCopyObject().(client.ObjectList)
			return into, b.Client.List(ctx, into, options(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return b.Client.Watch(ctx, list.DeepCopyObject().(client.ObjectList), options(o))
		},
	}
}

func bundleTypes(ref v1alpha1.CABundleReference) (client.ObjectList, client.Object) {
	if ref.Kind == v1alpha1.CABundleSecret {
		return &corev1.SecretList{}, &corev1.Secret{}
	}
	return &corev1.ConfigMapList{}, &corev1.ConfigMap{}
}

// bundleOf takes the bundle out of its object; nil: that does not exist.
func bundleOf(namespace string, ref v1alpha1.CABundleReference, object client.Object) ([]byte, error) {
	key := cmp.Or(ref.Key, v1alpha1.CABundleKey)
	var data []byte
	var ok bool
	switch o := object.(type) {
	case *corev1.Secret:
		data, ok = o.Data[key]
	case *corev1.ConfigMap:
		var text string
		if text, ok = o.Data[key]; ok {
			data = []byte(text)
		} else {
			data, ok = o.BinaryData[key]
		}
	default:
		return nil, fmt.Errorf("%w: %s does not exist", ErrCABundle, bundleName(namespace, ref))
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s has no key %s", ErrCABundle, bundleName(namespace, ref), key)
	}
	if _, err := certPool(data); err != nil {
		return nil, fmt.Errorf("%w: %s, key %s: %w", ErrCABundle, bundleName(namespace, ref), key, err)
	}
	return data, nil
}

func unreadableBundle(namespace string, ref v1alpha1.CABundleReference, err error) error {
	return fmt.Errorf("%w: %s cannot be read: %w", ErrCABundle, bundleName(namespace, ref), err)
}

func bundleName(namespace string, ref v1alpha1.CABundleReference) string {
	return fmt.Sprintf("%s %s/%s", cmp.Or(ref.Kind, v1alpha1.CABundleConfigMap), namespace, ref.Name)
}

// bundleOfApps is State.CABundle. Apps see the certificates that the operator sees where
// it uses the issuer's own host, and under the name of a Service, where no gateway is.
func (s *Server) bundleOfApps() string {
	t := s.transport.Load()
	if t.err != nil || len(t.pem) > maxAppsBundle {
		return ""
	}
	if host := hostOf(s.target.issuer); host != hostOf(s.base()) && !strings.HasSuffix(host, ".svc") && !strings.Contains(host, ".svc.") {
		return ""
	}
	return string(t.pem)
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
