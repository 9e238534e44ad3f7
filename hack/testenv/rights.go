package testenv

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Line is a way to the API server that can be cut: whoever watches begins again, as
// when the API server ends a watch after some minutes. Only then does it ask whether
// they may.
type Line struct {
	mu    sync.Mutex
	conns []net.Conn
}

// Through makes a configuration go through the line.
func (l *Line) Through(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.conns = append(l.conns, conn)
		}
		return conn, err
	}
	return c
}

// Cut every connection that there is. Others can be made.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.conns {
		_ = conn.Close() // it may be closed already
	}
	l.conns = nil
}

// TakeAway the right to one Secret from a Role, and wait until that counts for a user
// who has it by that Role. giveBack, which is called at the test's end if not before,
// waits as well.
func TakeAway(t testing.TB, role client.ObjectKey, secret, user string) (giveBack func()) {
	t.Helper()
	c := Client(t)
	reads := authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: role.Namespace, Name: secret}
	change := func(rules func([]rbacv1.PolicyRule)) {
		t.Helper()
		var r rbacv1.Role
		if err := c.Get(context.Background(), role, &r); err != nil {
			t.Fatal(err)
		}
		rules(r.Rules)
		if err := c.Update(context.Background(), &r); err != nil {
			t.Fatal(err)
		}
	}
	var before []rbacv1.PolicyRule
	change(func(rules []rbacv1.PolicyRule) {
		for i := range rules {
			before = append(before, *rules[i].DeepCopy())
			rules[i].ResourceNames = slices.DeleteFunc(rules[i].ResourceNames, func(n string) bool { return n == secret })
		}
	})
	giveBack = sync.OnceFunc(func() {
		change(func(rules []rbacv1.PolicyRule) { copy(rules, before) })
		Eventually(t, user+" may read Secret "+secret+" again", func() bool { return may(t, c, user, reads) })
	})
	t.Cleanup(giveBack)
	Eventually(t, user+" may not read Secret "+secret, func() bool { return !may(t, c, user, reads) })
	return giveBack
}

func may(t testing.TB, c client.Client, user string, what authorizationv1.ResourceAttributes) bool {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &what}}
	if err := c.Create(context.Background(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}
