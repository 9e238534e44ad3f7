package sqlite

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
	"clientele.dev/clientele/authserver/store/storetest"
)

func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	storetest.Sign(s)
	bind(b, s)
	return s
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, benchStore(b)) }

// BenchmarkBare is the ceiling of refresh: the same two statements, prepared, and
// nothing made of what they give.
func BenchmarkBare(b *testing.B) {
	s := benchStore(b)
	statement := func(db *sql.DB, query string) *sql.Stmt {
		stmt, err := db.Prepare(query)
		if err != nil {
			b.Fatal(err)
		}
		return stmt
	}
	put := statement(s.db.write, dialect.PutFamily)
	family := statement(s.db.read, sqlstore.FamilyByID)
	advance := statement(s.db.write, sqlstore.AdvanceFamily)
	record, mac := strings.Repeat("x", 500), strings.Repeat("m", 67)
	var n atomic.Int64
	b.Run("refresh", func(b *testing.B) {
		storetest.Callers(b, func(b *testing.B, pb *testing.PB) {
			id := fmt.Sprint(n.Add(1))
			_, err := put.Exec(id, 1, 0, 1, "user/1", "client", record, mac)
			for generation := 1; pb.Next() && err == nil; generation++ {
				var skip any
				if err = family.QueryRow(id).Scan(&skip, &skip, &skip, &skip, &skip, &skip, &skip); err == nil {
					_, err = advance.Exec(id, generation, generation+1, 0, generation, record, mac)
				}
			}
			if err != nil {
				b.Error(err)
			}
		})
	})
}
