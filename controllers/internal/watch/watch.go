// Package watch has predicates that the controllers of several kinds share.
package watch

import (
	"clientele.dev/clientele/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Spec lets through updates that change the spec, or that ask to check the object again.
// The operator's own status writes change neither.
func Spec() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool { return AsksAgain(e.ObjectOld, e.ObjectNew) },
	})
}

// AsksAgain says whether the annotation check-again changed.
func AsksAgain(before, after client.Object) bool {
	again := v1alpha1.AnnotationCheckAgain
	return before.GetAnnotations()[again] != after.GetAnnotations()[again]
}
