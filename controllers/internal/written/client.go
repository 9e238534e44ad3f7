// Package written lets a reader of the cache see what this process wrote, without a wait
// for the cache.
//
// The object that the API server returned for a write takes the place of the one in the
// cache until the cache has that version or a later one, and for a minute at most. It is
// no guarantee, and nothing depends on one: Secrets are written by Create, or by Update of
// the version that was read, so that a stale read costs a refused write. But without this
// package a pass that follows a write would do it again.
package written

import (
	"context"
	"reflect"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// keep is how long the cache may take to show a write. An object that was created by this
// process, and deleted by another before the cache ever had it, is missed for so long.
const keep = time.Minute

// Client reads from a cache and writes to the API server. It is safe for concurrent use.
type Client struct {
	client.Client
	now func() time.Time

	mu      sync.Mutex
	written map[key]entry
}

type key struct {
	kind reflect.Type
	types.NamespacedName
}

type entry struct {
	object client.Object // not to be changed
	until  time.Time
	// created by that write. Any other object was in the cache before it was written, so
	// that it is gone if it is not there now.
	created bool
}

// New returns a Client on top of one that reads from a cache.
func New(c client.Client, now func() time.Time) *Client {
	return &Client{Client: c, now: now, written: map[key]entry{}}
}

func keyOf(o client.Object, name types.NamespacedName) key {
	return key{reflect.TypeOf(o), name}
}

// note keeps what the API server returned for a write.
func (c *Client) note(o client.Object, created bool) {
	if o.GetResourceVersion() == "" {
		return
	}
	kept := o.DeepCopyObject().(client.Object)
	kept.SetManagedFields(nil) // as in the cache
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.written {
		if now.After(e.until) {
			delete(c.written, k)
		}
	}
	k := keyOf(o, client.ObjectKeyFromObject(o))
	// What this process created, and wrote again, the cache may never have had.
	created = created || c.written[k].created
	c.written[k] = entry{kept, now.Add(keep), created}
}

// Forget drops what was written of an object. An event handler calls it for an object that
// was deleted, before it has the object looked at.
func (c *Client) Forget(o client.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.written, keyOf(o, client.ObjectKeyFromObject(o)))
}

// newer returns what was written of an object if the cache, which has cached (nil: no such
// object), does not show it yet.
func (c *Client) newer(k key, cached client.Object) client.Object {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.written[k]
	if !ok {
		return nil
	}
	gone := cached == nil && !e.created
	if gone || c.now().After(e.until) || cached != nil && shows(cached, e.object) {
		delete(c.written, k)
		return nil
	}
	if cached != nil && e.created {
		e.created = false
		c.written[k] = e
	}
	return e.object
}

// shows says whether an object is the written one or later.
func shows(cached, written client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), written.GetResourceVersion())
	return err != nil || order >= 0
}

// Get reads an object from the cache, or returns what was written of it since.
func (c *Client) Get(ctx context.Context, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	err := c.Client.Get(ctx, name, o, opts...)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	cached := o
	if err != nil {
		cached = nil
	}
	newer := c.newer(keyOf(o, name), cached)
	if newer == nil {
		return err
	}
	reflect.ValueOf(o).Elem().Set(reflect.ValueOf(newer.DeepCopyObject()).Elem())
	return nil
}

// Newer returns those objects of the type of o in a namespace that a List would not have
// as they were written.
func (c *Client) Newer(o client.Object, namespace string, listed []client.Object) []client.Object {
	byName := make(map[types.NamespacedName]client.Object, len(listed))
	for _, one := range listed {
		byName[client.ObjectKeyFromObject(one)] = one
	}
	c.mu.Lock()
	var names []types.NamespacedName
	for k := range c.written {
		if k.kind == reflect.TypeOf(o) && k.Namespace == namespace {
			names = append(names, k.NamespacedName)
		}
	}
	c.mu.Unlock()
	var all []client.Object
	for _, name := range names {
		if one := c.newer(keyOf(o, name), byName[name]); one != nil {
			all = append(all, one)
		}
	}
	return all
}

// Create creates an object.
func (c *Client) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	err := c.Client.Create(ctx, o, opts...)
	if err == nil {
		c.note(o, true)
	}
	return err
}

// Update updates an object.
func (c *Client) Update(ctx context.Context, o client.Object, opts ...client.UpdateOption) error {
	err := c.Client.Update(ctx, o, opts...)
	return c.noteOrForget(o, err)
}

// Patch patches an object.
func (c *Client) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
	err := c.Client.Patch(ctx, o, patch, opts...)
	return c.noteOrForget(o, err)
}

// noteOrForget keeps what a write returned. After a refused one, what was written before
// is not what there is.
func (c *Client) noteOrForget(o client.Object, err error) error {
	switch {
	case err == nil:
		c.note(o, false)
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		c.Forget(o)
	}
	return err
}

// Delete deletes an object.
func (c *Client) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	err := c.Client.Delete(ctx, o, opts...)
	c.Forget(o)
	return err
}

// Status writes the status of objects.
func (c *Client) Status() client.SubResourceWriter { return statusWriter{c.Client.Status(), c} }

type statusWriter struct {
	client.SubResourceWriter
	of *Client
}

// Patch patches the status of an object.
func (s statusWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	err := s.SubResourceWriter.Patch(ctx, o, patch, opts...)
	return s.of.noteOrForget(o, err)
}
