package managed

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// contestedFor is how long a contested object is left as it is.
	contestedFor = 10 * time.Minute
	// repairPace is the least time between two writes of an object that is as rendered
	// before.
	repairPace = time.Second
	// patience is how many repairs within contestedFor are made at once.
	patience = 3
)

// memory is what was applied for an AuthorizationServer. One pass at a time uses it.
type memory struct {
	uid     types.UID
	applied map[string]applied
	// unsettledSince and settledAt are those of State.
	unsettledSince, settledAt time.Time
	// publicRemoved is the generation for which it was made sure that there is no
	// Certificate of cert-manager.
	publicRemoved int64
}

// applied is what is remembered of an object.
type applied struct {
	// rendered and result are digests of what was applied and of what the object was
	// afterwards.
	rendered, result [sha256.Size]byte
	// generation that the object had then.
	generation int64
	at         time.Time
	// repairs are the times of the last repairs of drift.
	repairs []time.Time
}

func nameOf(o client.Object) string {
	return o.GetObjectKind().GroupVersionKind().Kind + " " + o.GetNamespace() + "/" + o.GetName()
}

// ensure makes an object what was rendered, and returns it; nil: it is as it was left.
func (p *pass) ensure(ctx context.Context, rendered client.Object) (*unstructured.Unstructured, error) {
	want, err := p.fields(rendered)
	if err != nil {
		return nil, err
	}
	have, err := p.existing(ctx, rendered)
	if err != nil {
		return nil, err
	}
	last := p.memory.applied[nameOf(rendered)]
	digestOfWant := digestOf(want)
	if have != nil && last.rendered == digestOfWant {
		digestOfHave, err := p.digestOfObject(have)
		if err != nil {
			return nil, err
		}
		if digestOfHave == last.result {
			return nil, nil
		}
		return p.repair(ctx, want, last)
	}
	if have != nil {
		if err := p.handOverReplicas(ctx, want); err != nil {
			return nil, err
		}
	}
	return p.write(ctx, want, applied{rendered: digestOfWant}, client.ForceOwnership)
}

// write applies fields and remembers the result.
func (p *pass) write(ctx context.Context, want *unstructured.Unstructured, remember applied, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	got := want.DeepCopy()
	err := p.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(got), append(options, client.FieldOwner(v1alpha1.FieldManager))...)
	if err != nil {
		return nil, explain(err, "apply", nameOf(want))
	}
	if got, err = p.replicasOnce(ctx, want, got); err != nil {
		return nil, err
	}
	if remember.result, err = p.digestOfObject(got); err != nil {
		return nil, err
	}
	remember.at, remember.generation = p.Now(), got.GetGeneration()
	p.memory.applied[nameOf(want)] = remember
	return got, nil
}

// repair applies an object again that is no longer as it was left. Where another manager
// changed what the spec decides, that is put back and told. Two managers would do so for
// ever: from the fourth time in ten minutes the object is left as it is, until ten minutes
// after the last repair.
func (p *pass) repair(ctx context.Context, want *unstructured.Unstructured, last applied) (*unstructured.Unstructured, error) {
	now := p.Now()
	if wait := last.at.Add(repairPace).Sub(now); wait > 0 {
		p.lookAgain(wait)
		return nil, nil
	}
	next := applied{rendered: last.rendered}
	for _, at := range last.repairs {
		if now.Sub(at) < contestedFor {
			next.repairs = append(next.repairs, at)
		}
	}
	if n := len(next.repairs); n >= patience {
		p.lookAgain(next.repairs[n-1].Add(contestedFor).Sub(now))
		return nil, nil
	}
	// Without force the API server says which fields are contested, and by whom.
	got, contest := p.write(ctx, want, next)
	if !fieldConflict(contest) {
		return got, contest
	}
	next.repairs = append(next.repairs, now)
	got, err := p.write(ctx, want, next, client.ForceOwnership)
	if err != nil {
		return nil, err
	}
	p.tellContested(nameOf(want), contest)
	return got, nil
}

// fieldConflict tells a conflict about fields from one about versions.
func fieldConflict(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict)
}

// existing finds the object of a name, in the cache or past it; nil: there is none. One
// that is not ours blocks.
func (p *pass) existing(ctx context.Context, rendered client.Object) (client.Object, error) {
	gvk := rendered.GetObjectKind().GroupVersionKind()
	key := client.ObjectKeyFromObject(rendered)
	made, err := p.Client.Scheme().New(gvk)
	if err != nil {
		return nil, fmt.Errorf("make a %s: %w", gvk.Kind, err)
	}
	have := made.(client.Object)
	if err = p.Client.Get(ctx, key, have); apierrors.IsNotFound(err) {
		// One without our labels is in no cache.
		err = p.Live.Get(ctx, key, have)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", nameOf(rendered), err)
	}
	return have, p.ours(gvk.Kind, have)
}

// ours checks that an object belongs to this AuthorizationServer, or did and has no
// controller now.
func (p *pass) ours(kind string, have client.Object) error {
	for name, value := range selector(p.as.Name) {
		if have.GetLabels()[name] != value {
			return block(v1alpha1.ReasonNameConflict, "%s %s/%s exists and has no label %s=%s, so it is not this server's: make the AuthorizationServer under another name; delete it only if nothing uses it; or give it the labels %s and %s if it is a copy of the server's own",
				kind, have.GetNamespace(), have.GetName(), name, value, v1alpha1.LabelName+"="+v1alpha1.ServerApp, v1alpha1.LabelServer+"="+p.as.Name)
		}
	}
	controller := metav1.GetControllerOf(have)
	switch {
	case controller == nil || controller.UID == p.as.UID:
		return nil
	case controller.Kind == "AuthorizationServer" && controller.Name == p.as.Name:
		return block(v1alpha1.ReasonProgressing, "%s %s/%s belongs to an AuthorizationServer of the same name that was deleted; it is deleted soon, and then made anew", kind, have.GetNamespace(), have.GetName())
	}
	return block(v1alpha1.ReasonNameConflict, "%s %s/%s is controlled by %s %s: delete it there, or make the AuthorizationServer under another name",
		kind, have.GetNamespace(), have.GetName(), controller.Kind, controller.Name)
}

// fields are what of a rendered object is applied: no status and no zero values.
func (p *pass) fields(rendered client.Object) (*unstructured.Unstructured, error) {
	if u, ok := rendered.(*unstructured.Unstructured); ok {
		return u, nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(rendered)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", nameOf(rendered), err)
	}
	delete(content, "status")
	withoutZeros(content)
	return &unstructured.Unstructured{Object: content}, nil
}

// withoutZeros removes nulls and objects that are empty but for the volumes' emptyDir.
func withoutZeros(content map[string]any) {
	for key, value := range content {
		switch v := value.(type) {
		case nil:
			delete(content, key)
		case map[string]any:
			withoutZeros(v)
			if len(v) == 0 && key != "emptyDir" {
				delete(content, key)
			}
		case []any:
			for _, item := range v {
				if m, ok := item.(map[string]any); ok {
					withoutZeros(m)
				}
			}
		}
	}
}

// digestOfObject is over what of an object matters here: neither its status nor its
// versions.
func (p *pass) digestOfObject(o client.Object) ([sha256.Size]byte, error) {
	// The cache has typed objects, an answer of the API server has not.
	if u, ok := o.(*unstructured.Unstructured); ok {
		if typed, err := p.Client.Scheme().New(u.GroupVersionKind()); err == nil {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed); err != nil {
				return [sha256.Size]byte{}, fmt.Errorf("read %s: %w", nameOf(o), err)
			}
			o = typed.(client.Object)
		}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("convert %s: %w", nameOf(o), err)
	}
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(content)}
	delete(u.Object, "status")
	delete(u.Object, "kind")
	delete(u.Object, "apiVersion")
	u.SetManagedFields(nil)
	u.SetResourceVersion("")
	u.SetGeneration(0)
	return digestOf(u), nil
}

func digestOf(u *unstructured.Unstructured) [sha256.Size]byte {
	text, err := json.Marshal(u.Object)
	if err != nil {
		panic(fmt.Sprintf("an object cannot be written as JSON: %v", err)) // it came from JSON
	}
	return sha256.Sum256(text)
}

// explain turns an answer of the API server's that repeating does not change into a
// problem.
func explain(err error, act, object string) error {
	switch {
	case apierrors.IsInvalid(err):
		return block(v1alpha1.ReasonInvalidPod, "%s: the API server finds it invalid: %s", object, oneLine(err.Error()))
	case apierrors.IsForbidden(err), isAdmission(err):
		return block(v1alpha1.ReasonAdmissionRefused, "%s: the API server refuses it: %s", object, oneLine(err.Error()))
	}
	return fmt.Errorf("%s %s: %w", act, object, err)
}

// isAdmission says that an admission webhook or policy refused; it may do so with any
// code.
func isAdmission(err error) bool {
	return strings.Contains(err.Error(), "denied the request") || strings.Contains(err.Error(), "denied request")
}
