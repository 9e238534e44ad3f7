package postgres

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
	"clientele.dev/clientele/authserver/store/storetest"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	_, there := schema(b)
	s := open(b, there, Options{})
	b.Cleanup(func() { closed(b, s) })
	if _, _, err := s.Bind(b.Context(), "keys"); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, benchStore(b)) }

// BenchmarkBare is the ceiling of refresh: the same two statements, and nothing
// made of what they give.
func BenchmarkBare(b *testing.B) {
	s := benchStore(b)
	record, mac := strings.Repeat("x", 500), strings.Repeat("m", 67)
	var n atomic.Int64
	b.Run("refresh", func(b *testing.B) {
		storetest.Callers(b, func(b *testing.B, pb *testing.PB) {
			id := fmt.Sprint(n.Add(1))
			_, err := s.db.pool.Exec(b.Context(), dialect.PutFamily, id, 1, 0, 1, "user/1", "client", record, mac)
			for generation := 1; pb.Next() && err == nil; generation++ {
				rows, queryErr := s.db.pool.Query(b.Context(), sqlstore.FamilyByID, id)
				if err = queryErr; err == nil {
					rows.Close()
					_, err = s.db.pool.Exec(b.Context(), sqlstore.AdvanceFamily, id, generation, generation+1, 0, generation, record, mac)
				}
			}
			if err != nil {
				b.Error(err)
			}
		})
	})
}
