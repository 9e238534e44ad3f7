package status

import (
	"context"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch writes the difference between two statuses of one object as a merge
// patch. before and after carry nothing but name, namespace and status, so that
// only these are compared; uid is the object's. It writes nothing if there is no
// difference. An object that is gone is no error.
func Patch(ctx context.Context, c client.Client, uid types.UID, before, after client.Object) error {
	before.SetUID("")
	after.SetUID("")
	patch, err := client.MergeFrom(before).Data(after)
	if err != nil {
		return fmt.Errorf("compare the status: %w", err)
	}
	if string(patch) == "{}" {
		return nil
	}
	// The uid in the patch keeps it from another object of the same name.
	after.SetUID(uid)
	patch, err = client.MergeFrom(before).Data(after)
	if err != nil {
		return fmt.Errorf("compare the status: %w", err)
	}
	// The answer goes into an object of its own: after may share lists with the
	// cache.
	answer := reflect.New(reflect.TypeOf(after).Elem()).Interface().(client.Object)
	answer.SetNamespace(after.GetNamespace())
	answer.SetName(after.GetName())
	err = c.Status().Patch(ctx, answer, client.RawPatch(types.MergePatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}
