package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch writes the status of an object, all of it, if it differs from what it
// was; each kind's status has one writer. before and after carry nothing but
// name, namespace and status; uid is the object's. An object that is gone is no
// error.
//
// It is a JSON patch (RFC 6902) that first tests the uid, so that what was judged
// of one object never ends up in another of the same name: the API server ignores
// a uid in a merge patch of a status.
func Patch(ctx context.Context, c client.Client, uid types.UID, before, after client.Object) error {
	return patchIf(ctx, c, operation{Op: "test", Path: "/metadata/uid", Value: uid}, before, after)
}

// PatchFirst writes the status of an object that nobody has written since it was read. If
// somebody has, that stands, and is no error.
func PatchFirst(ctx context.Context, c client.Client, read client.Object, before, after client.Object) error {
	err := patchIf(ctx, c, operation{Op: "test", Path: "/metadata/resourceVersion", Value: read.GetResourceVersion()}, before, after)
	if apierrors.IsInvalid(err) || apierrors.IsConflict(err) {
		return nil // the test failed
	}
	return err
}

// patchIf writes the status if a test of the object holds.
func patchIf(ctx context.Context, c client.Client, test operation, before, after client.Object) error {
	was, err := statusOf(before)
	if err != nil {
		return err
	}
	is, err := statusOf(after)
	if err != nil {
		return err
	}
	if bytes.Equal(was, is) {
		return nil
	}
	patch, err := json.Marshal([]operation{
		test,
		{Op: "add", Path: "/status", Value: is},
	})
	if err != nil {
		return fmt.Errorf("encode the status: %w", err)
	}
	// The answer goes into an object of its own: after may share lists with the
	// cache.
	answer := reflect.New(reflect.TypeOf(after).Elem()).Interface().(client.Object)
	answer.SetNamespace(after.GetNamespace())
	answer.SetName(after.GetName())
	err = c.Status().Patch(ctx, answer, client.RawPatch(types.JSONPatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}

// operation of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func statusOf(o client.Object) (json.RawMessage, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode the status: %w", err)
	}
	var parts struct {
		Status json.RawMessage `json:"status"`
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, fmt.Errorf("encode the status: %w", err)
	}
	if parts.Status == nil {
		return json.RawMessage("{}"), nil
	}
	return parts.Status, nil
}
