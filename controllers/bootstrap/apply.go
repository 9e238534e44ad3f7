package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fieldManager owns what the chart's values say of an object.
const fieldManager = "clientele-chart"

// worker applies objects and waits for them.
type worker struct {
	client client.Client
	out    io.Writer
	image  string
	// every is how often an object that is not Ready is read again.
	every time.Duration
}

func (w worker) run(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if err := w.apply(ctx, o); err != nil {
			return err
		}
		w.say("%s: applied", describe(o))
	}
	for _, o := range objects {
		if err := w.wait(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// apply applies one object. What may pass by itself, such as a kind that the API server
// does not serve yet, is tried again until ctx ends.
func (w worker) apply(ctx context.Context, o *unstructured.Unstructured) error {
	said := ""
	for {
		// What is sent must have no trace of an earlier answer.
		err := w.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner(fieldManager))
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && said != "":
			return fmt.Errorf("%s could not be applied: %s", describe(o), said)
		case !mayPass(err):
			return fmt.Errorf("%s could not be applied: %s", describe(o), explain(err))
		}
		if now := explain(err); now != said {
			said = now
			w.say("%s: not applied yet: %s", describe(o), said)
		}
		if pause(ctx, w.every) != nil {
			return fmt.Errorf("%s could not be applied: %s", describe(o), said)
		}
	}
}

// undeclared is in the API server's answer to a field that the schema does not have. It
// answers 500, as if that could pass.
const undeclared = "field not declared in schema"

// mayPass says whether the same request may succeed a little later.
func mayPass(err error) bool {
	if strings.Contains(err.Error(), undeclared) {
		return false
	}
	switch apierrors.ReasonForError(err) {
	case metav1.StatusReasonInvalid, metav1.StatusReasonBadRequest, metav1.StatusReasonConflict:
		return false
	case metav1.StatusReasonNotFound:
		return meta.IsNoMatchError(err) || !strings.Contains(err.Error(), "namespaces ")
	}
	return true // no connection; a kind that is not served yet; a right that does not count yet
}

// explain says what is wrong and what to do.
func explain(err error) string {
	var status apierrors.APIStatus
	isStatus := errors.As(err, &status)
	switch {
	case meta.IsNoMatchError(err):
		return "the API server does not serve this kind: are the CRDs installed (crds.enabled)?"
	case apierrors.IsConflict(err) && isStatus && status.Status().Details != nil:
		return conflict(status.Status().Details.Causes)
	case apierrors.IsNotFound(err):
		return err.Error() + ": make the namespace first"
	}
	return err.Error()
}

// conflict names the fields that another field manager has changed.
func conflict(causes []metav1.StatusCause) string {
	var fields []string
	for _, c := range causes {
		fields = append(fields, fmt.Sprintf("%s (%s)", strings.TrimPrefix(c.Field, "."), c.Message))
	}
	return "somebody else has changed " + strings.Join(fields, ", ") +
		": set it in the chart's values to what it is in the cluster, or in the cluster to what the values say"
}

func (w worker) say(format string, args ...any) { fmt.Fprintf(w.out, format+"\n", args...) }

// describe names an object for people: "AuthorizationServer clientele-system/default".
func describe(o *unstructured.Unstructured) string {
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// pause waits, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
