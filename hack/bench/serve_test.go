package main

import (
	"context"
	"testing"

	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
)

// TestOperationsAreCarriedOut once each, and every statement of theirs has a replay.
func TestOperationsAreCarriedOut(t *testing.T) {
	p, err := newEnsemble(1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.inside.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	if err := p.start(ctx, storage("sqlite:"+sqlitetest.Dir(t)), 0, ended); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	if err := p.furnish(ctx); err != nil {
		t.Fatal(err)
	}
	conn, err := dial(p.cluster.host())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, o := range operations {
		users, err := o.users(&p.cluster)
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		before := p.recipe()
		if err := users[0](conn); err != nil {
			t.Errorf("%s: %v", o.name, err)
		}
		one := p.recipe().since(before, 1)
		if _, err := one.operation(); err != nil || len(one) == 0 {
			t.Errorf("%s: %v, %v", o.name, one, err)
		}
	}
}

func (p *ensemble) recipe() recipe {
	r := recipe{}
	for method, n := range p.store.Calls() {
		r[method] = float64(n)
	}
	return r
}
