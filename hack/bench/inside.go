package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// inside is what a load leaves behind: the calls of the store, and the CPU time of
// the database's server.
type inside struct {
	calls    recipe
	database time.Duration
}

func (b *bench) insideOf(ctx context.Context, on *backend, c *cluster) (i inside, err error) {
	if on.pid != 0 {
		if i.database, err = familyCPUTime(on.pid); err != nil {
			return i, err
		}
	}
	i.calls, err = callsOf(ctx, b.http, c)
	return i, err
}

// callsOf the store that the first replica has made.
func callsOf(ctx context.Context, client *http.Client, c *cluster) (recipe, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Inside+"/calls", http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var calls recipe
	return calls, json.NewDecoder(answer.Body).Decode(&calls)
}

// familyCPUTime is cpuTime of a process and of its children that live. What the
// kernel counted for children that ended is left out: PostgreSQL's workers live as
// long as their connection.
func familyCPUTime(pid int) (time.Duration, error) {
	total, err := cpuTime(pid)
	if err != nil {
		return 0, err
	}
	children, err := childrenOf(pid)
	if err != nil {
		return 0, err
	}
	for _, child := range children {
		if used, err := cpuTime(child); err == nil { // or it has ended meanwhile
			total += used
		}
	}
	return total, nil
}
