package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// rounds is how often a load and its ceilings are measured, by turns: the speed of
// a shared machine drifts, and one pair says little.
const rounds = 3

// ceiling is a part of what an operation has to do, measured bare.
type ceiling struct {
	name string
	// times it is done in one operation.
	times   float64
	measure func(ctx context.Context) (speed, error)
}

// turns are an operation under load and its ceilings, once per round.
type turns struct {
	all loadResult    // of all rounds
	cpu time.Duration // of the server, for all operations
	got series        // operations per second
	// share of what the ceilings allow if one is done after the other on one core,
	// 1/(times/ceiling + ...), and cpuShare the same of CPU time: what the bare
	// parts take of what the server took.
	share, cpuShare series
	// ceilings in the order in which they were given.
	ceilings []ceilingTurns
}

type ceilingTurns struct {
	ceiling
	perSecond series
	cpu       series // nanoseconds
	share     series // of this one alone
}

// inTurns measures. under is the load and the server's CPU time for it; of makes
// the ceilings once that is known.
func inTurns(ctx context.Context, under func(context.Context) (loadResult, time.Duration, error), of func(loadResult) []ceiling) (*turns, error) {
	t := &turns{}
	for range rounds {
		one, cpu, err := under(ctx)
		if err != nil {
			return nil, err
		}
		if err := t.add(ctx, one, cpu, of(one)); err != nil {
			return nil, err
		}
	}
	slices.Sort(t.all.latencies)
	return t, nil
}

// add a round: the load was measured, its ceilings are now.
func (t *turns) add(ctx context.Context, one loadResult, cpu time.Duration, ceilings []ceiling) error {
	t.all.add(one)
	t.cpu += cpu
	t.got = append(t.got, one.perSecond())
	if t.ceilings == nil {
		t.ceilings = make([]ceilingTurns, len(ceilings))
	}
	var spent, bareCPU float64
	for i, c := range ceilings {
		s, err := c.measure(ctx)
		if err != nil {
			return err
		}
		spent += c.times / s.perSecond
		bareCPU += c.times * float64(s.cpu)
		at := &t.ceilings[i]
		at.ceiling = c
		at.perSecond = append(at.perSecond, s.perSecond)
		at.cpu = append(at.cpu, float64(s.cpu))
		at.share = append(at.share, one.perSecond()/s.perSecond)
	}
	t.share = append(t.share, one.perSecond()*spent)
	t.cpuShare = append(t.cpuShare, bareCPU*float64(one.operations)/float64(cpu))
	return nil
}

// cpuOfOne is the server's CPU time for one operation.
func (t *turns) cpuOfOne() time.Duration { return t.cpu / time.Duration(t.all.operations) }

// series is one figure, once per round.
type series []float64

// median of the rounds.
func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

// spread from the lowest to the highest, in words.
func (s series) spread(unit func(float64) string) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf("%s to %s", unit(slices.Min(s)), unit(slices.Max(s)))
}

// duration is a unit for nanoseconds.
func duration(ns float64) string { return round(time.Duration(ns)).String() }
