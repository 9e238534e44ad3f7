package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// user does one operation after another over its connection.
type user func(c *conn) error

// loadResult is what one run of load saw.
type loadResult struct {
	operations int
	elapsed    time.Duration
	latencies  []time.Duration // sorted
	bodySize   int             // of the last answer
}

func (r loadResult) perSecond() float64 { return float64(r.operations) / r.elapsed.Seconds() }

// quantile of the latencies; q from 0 to 1.
func (r loadResult) quantile(q float64) time.Duration { return quantile(r.latencies, q) }

// quantile of sorted durations; q from 0 to 1.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// load has users work, each over a keep-alive connection of its own, for a
// duration. The first error ends it.
func load(ctx context.Context, addr string, users []user, d time.Duration) (loadResult, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	results := make([]loadResult, len(users))
	errs := make([]error, len(users))
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range users {
		wg.Go(func() {
			if results[i], errs[i] = loadOne(ctx, addr, users[i]); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	total := loadResult{elapsed: time.Since(begin)}
	for _, r := range results {
		total.add(r)
	}
	slices.Sort(total.latencies)
	return total, errors.Join(errs...)
}

// percentiles in words.
func (r loadResult) percentiles() string {
	return fmt.Sprintf("p50 %s, p99 %s", round(r.quantile(.5)), round(r.quantile(.99)))
}

// add another result to a sum, whose latencies are then no longer sorted.
func (r *loadResult) add(other loadResult) {
	r.operations += other.operations
	r.latencies = append(r.latencies, other.latencies...)
	r.bodySize = max(r.bodySize, other.bodySize)
}

func loadOne(ctx context.Context, addr string, operate user) (loadResult, error) {
	var r loadResult
	c, err := dial(addr)
	if err != nil {
		return r, err
	}
	defer c.Close()
	for ctx.Err() == nil {
		begin := time.Now()
		if err := operate(c); err != nil {
			return r, err
		}
		r.latencies = append(r.latencies, time.Since(begin))
		r.operations++
	}
	r.bodySize = len(c.body)
	return r, nil
}

// repeat makes users that all send the same request and want 200.
func repeat(req request, n int) []user {
	return slices.Repeat([]user{func(c *conn) error { return c.want(req, 200) }}, n)
}
