package written

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cached is a cache that shows what the test says, and an API server that accepts or
// refuses every write.
type cached struct {
	client.Client
	shows  *corev1.Secret // nil: no such object
	answer string         // resourceVersion of the next write; empty: 409
}

func (c *cached) Get(_ context.Context, name client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	if c.shows == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name.Name)
	}
	*o.(*corev1.Secret) = *c.shows
	return nil
}

func (c *cached) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	return c.write(o)
}

func (c *cached) Update(_ context.Context, o client.Object, _ ...client.UpdateOption) error {
	return c.write(o)
}

func (c *cached) write(o client.Object) error {
	if c.answer == "" {
		return apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, o.GetName(), nil)
	}
	o.SetResourceVersion(c.answer)
	return nil
}

func (c *cached) Delete(context.Context, client.Object, ...client.DeleteOption) error { return nil }

func secret(version, value string) *corev1.Secret {
	s := &corev1.Secret{Data: map[string][]byte{"a": []byte(value)}}
	s.Namespace, s.Name, s.ResourceVersion = "ns", "s", version
	return s
}

func TestWrittenObjectReplacesTheCachesUntilThatShowsIt(t *testing.T) {
	under := &cached{}
	now := time.Unix(1_800_000_000, 0)
	c := New(under, func() time.Time { return now })
	read := func() string {
		t.Helper()
		var s corev1.Secret
		err := c.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "s"}, &s)
		if apierrors.IsNotFound(err) {
			return "nothing"
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(s.Data["a"])
	}
	want := func(what, value string) {
		t.Helper()
		if got := read(); got != value {
			t.Errorf("%s: read %s, want %s", what, got, value)
		}
	}
	write := func(version, value string, do func(context.Context, client.Object) error) {
		t.Helper()
		under.answer = version
		s := secret("", value)
		_ = do(t.Context(), s)
		s.Data["a"] = []byte("changed by the caller")
	}
	create := func(ctx context.Context, o client.Object) error { return c.Create(ctx, o) }
	update := func(ctx context.Context, o client.Object) error { return c.Update(ctx, o) }

	want("at first", "nothing")
	write("9", "one", create)
	want("after a Create", "one")
	write("10", "two", update)
	under.shows = secret("9", "one")
	want("while the cache is behind", "two")
	under.shows = nil
	want("when it is deleted while the cache was behind", "nothing")
	under.shows = secret("10", "two")
	want("when the cache shows it", "two")
	under.shows = nil
	want("when it is deleted after the cache showed it", "nothing")

	write("11", "three", create)
	under.shows = secret("12", "another writer's")
	want("when the cache shows a later one", "another writer's")

	write("13", "four", update)
	write("", "five", update) // refused
	want("after a refused write", "another writer's")

	under.shows = nil
	write("14", "six", create)
	now = now.Add(keep + time.Second)
	want("after a minute", "nothing")

	write("15", "seven", create)
	c.Forget(secret("", ""))
	want("when an event says that it is gone", "nothing")
	write("16", "eight", create)
	if err := c.Delete(t.Context(), secret("", "")); err != nil {
		t.Fatal(err)
	}
	want("after a Delete", "nothing")
}

func TestNewerObjectsOfAList(t *testing.T) {
	under := &cached{answer: "20"}
	c := New(under, func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err := c.Create(t.Context(), secret("", "mine")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, namespace string
		listed          []client.Object
		want            int
	}{
		{"not listed yet", "ns", nil, 1},
		{"listed as it was", "ns", []client.Object{secret("19", "before")}, 1},
		{"another namespace", "other", nil, 0},
		{"listed", "ns", []client.Object{secret("20", "mine")}, 0},
	} {
		if got := c.Newer(&corev1.Secret{}, tc.namespace, tc.listed); len(got) != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, len(got), tc.want)
		}
	}
}
