package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// Bench measures the hot paths of a store that is bound, each by 16 callers at
// once. What an implementation measures beside it, with the bare statements, is
// its ceiling. "refresh" and "code flow" are all that such a request writes.
func Bench(b *testing.B, s store.Store) {
	var n atomic.Int64 // no two records are alike
	benches := []struct {
		name string
		run  func(b *testing.B, i int64, mine *store.Family)
	}{
		{"refresh", func(b *testing.B, _ int64, mine *store.Family) {
			f, err := s.Family(b.Context(), mine.ID)
			must(b, err)
			must(b, s.AdvanceFamily(b.Context(), f.Generation, next(f)))
		}},
		{"introspect", func(b *testing.B, _ int64, mine *store.Family) {
			_, err := s.Family(b.Context(), mine.ID)
			must(b, err)
		}},
		{"code flow", func(b *testing.B, i int64, _ *store.Family) {
			c := code(fmt.Sprintf("flow-%d", i))
			must(b, s.PutCode(b.Context(), c))
			_, err := s.TakeCode(b.Context(), c.Hash, sampleTime)
			must(b, err)
			must(b, s.PutFamily(b.Context(), family(c.FamilyID)))
		}},
		{"session", func(b *testing.B, _ int64, mine *store.Family) {
			_, err := s.Session(b.Context(), credential.Hash("cookie of "+mine.ID), sampleTime)
			must(b, err)
		}},
		{"attempt", func(b *testing.B, i int64, _ *store.Family) {
			_, err := s.CountAttempt(b.Context(), fmt.Sprint(i%1000), sampleTime, time.Minute)
			must(b, err)
		}},
		{"register", func(b *testing.B, i int64, _ *store.Family) {
			c := client(fmt.Sprintf("shop.%d", i), owner(fmt.Sprint(i)))
			_, err := s.ChangeClient(b.Context(), c.Registration.Managed.Owner, c.Registration.ClientID,
				func(store.ExistingClients) (store.ClientChange, error) { return store.ClientChange{Put: &c}, nil })
			must(b, err)
		}},
		{"revoke one family", func(b *testing.B, i int64, _ *store.Family) {
			f := family(fmt.Sprintf("revoked-%d", i))
			must(b, s.PutFamily(b.Context(), f))
			_, err := s.RevokeFamilies(b.Context(), store.FamilyFilter{ID: f.ID}, sampleTime)
			must(b, err)
		}},
	}
	for _, bench := range benches {
		b.Run(bench.name, func(b *testing.B) {
			Callers(b, func(b *testing.B, pb *testing.PB) {
				mine := family(fmt.Sprintf("bench-%d", n.Add(1)))
				must(b, s.PutFamily(b.Context(), mine))
				must(b, s.PutSession(b.Context(), session(mine.ID, "user/1")))
				for pb.Next() {
					bench.run(b, n.Add(1), &mine)
				}
			})
		})
	}
}

// Callers runs body in 16 goroutines, whatever the number of cores, and tells
// operations per second.
func Callers(b *testing.B, body func(b *testing.B, pb *testing.PB)) {
	b.SetParallelism(8) // per core; the machine this was made for has two
	b.RunParallel(func(pb *testing.PB) { body(b, pb) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func must(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}
