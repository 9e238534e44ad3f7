package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// operation is one of those measured on both storages.
type operation struct {
	name string // plural
	// users that do it, one per connection.
	users func(c *cluster) ([]user, error)
	// requests, signatures and checks of a signature that one takes.
	requests, signatures, checks float64
}

var operations = []operation{
	{name: "code flows", users: (*cluster).codeFlows, requests: 3, signatures: 1},
	{name: "refreshes", users: (*cluster).refreshes, requests: 1, signatures: 1},
	{name: "introspections", users: (*cluster).introspections, requests: 1, checks: 1},
}

// flows measures what apps do for people, on one core and either storage, beside
// the same statements on the bare store.
func (b *bench) flows(ctx context.Context) error {
	return withBackends(ctx, func(on *backend) error {
		b.report.section(fmt.Sprintf("Apps that act for people: %s, one core, %d connections, ES256", on.name, people))
		at, err := on.make(ctx)
		if err != nil {
			return err
		}
		server, cluster, err := beginCluster(ctx, at, 1)
		if err != nil {
			return err
		}
		defer server.end()
		for _, o := range operations {
			if err := b.operation(ctx, on, server.pid(), cluster, o); err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
		return nil
	})
}

// beginCluster begins an other half that serves.
func beginCluster(ctx context.Context, at storage, replicas int) (*half, *cluster, error) {
	server, line, err := begin(ctx, "serve", string(at), fmt.Sprint(replicas))
	if err != nil {
		return nil, nil, err
	}
	var c cluster
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		server.end()
		return nil, nil, err
	}
	return server, &c, nil
}

// operation under load, and its ceilings.
func (b *bench) operation(ctx context.Context, on *backend, server int, c *cluster, o operation) error {
	users, err := o.users(c)
	if err != nil {
		return err
	}
	if _, err := load(ctx, c.host(), users, time.Second); err != nil {
		return fmt.Errorf("warm the server up: %w", err)
	}
	var calls recipe           // of one operation
	var database time.Duration // CPU time for all
	under := func(ctx context.Context) (loadResult, time.Duration, error) {
		before, err := b.insideOf(ctx, on, c)
		if err != nil {
			return loadResult{}, 0, err
		}
		one, cpu, err := loadOf(ctx, server, c.host(), users)
		if err != nil {
			return one, cpu, err
		}
		after, err := b.insideOf(ctx, on, c)
		calls = after.calls.since(before.calls, one.operations)
		database += after.database - before.database
		return one, cpu, err
	}
	t, err := inTurns(ctx, under, func(one loadResult) []ceiling {
		form := post(c.host(), "/", "", strings.Repeat("x", 200))
		ceilings := []ceiling{bareStore(on, calls), constantAnswer(form, one.bodySize, people, o.requests)}
		if o.signatures > 0 {
			ceilings = append(ceilings, bareSignature("ES256", o.signatures))
		}
		if o.checks > 0 {
			ceilings = append(ceilings, bareCheck(o.checks))
		}
		return ceilings
	})
	if err != nil {
		return err
	}
	b.reportOperation(on, o, t, calls, database)
	return b.profile(ctx, on, c, o, users)
}

func (b *bench) reportOperation(on *backend, o operation, t *turns, calls recipe, database time.Duration) {
	store := t.ceilings[0]
	add := func(name, value, note string) { b.report.add(figure{name: o.name + name, value: value, note: note}) }
	add(" per second", perSecond(t.got.median()), t.got.spread(perSecond)+"; "+t.all.percentiles())
	add(": ceiling, the same statements on the bare store", perSecond(store.perSecond.median()), store.perSecond.spread(perSecond)+"; "+calls.String())
	add(": share of that", percent(store.share.median()), store.share.spread(percent))
	var also []string
	for _, c := range t.ceilings {
		also = append(also, fmt.Sprintf("%.0f × %s", c.times, c.name))
	}
	add(": share of all that is needed, bare", percent(t.share.median()), t.share.spread(percent)+"; "+strings.Join(also, " + "))
	add(": the same in CPU time", percent(t.cpuShare.median()), t.cpuShare.spread(percent))
	note := duration(store.cpu.median()) + " of it the bare store's"
	if on.pid != 0 {
		note += "; and " + round(database/time.Duration(t.all.operations)).String() + " of " + on.name
	}
	add(": CPU time of the server for one", round(t.cpuOfOne()).String(), note)
}

// bareStore is storeCeiling, on a storage of its own.
func bareStore(on *backend, r recipe) ceiling {
	return ceiling{"bare store", 1, func(ctx context.Context) (speed, error) {
		at, err := on.make(ctx)
		if err != nil {
			return speed{}, err
		}
		text, err := json.Marshal(r)
		if err != nil {
			return speed{}, err
		}
		return number(ctx, "store", string(at), string(text), ceilingRun.String())
	}}
}

// since makes the recipe of one operation from what was counted before and after
// many.
func (r recipe) since(before recipe, operations int) recipe {
	one := recipe{}
	for method, calls := range r {
		if n := calls - before[method]; n > 0 {
			one[method] = n / float64(operations)
		}
	}
	return one
}

// String lists the calls, without those of one operation in two or fewer.
func (r recipe) String() string {
	var words []string
	for _, method := range slices.Sorted(maps.Keys(r)) {
		if n := r[method]; n >= .5 {
			words = append(words, fmt.Sprintf("%.0f %s", n, method))
		}
	}
	return fmt.Sprintf("%.2f statements: %s", r.statements(), strings.Join(words, ", "))
}
