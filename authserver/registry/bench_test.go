package registry

import (
	"fmt"
	"runtime"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

// benchWorld has n clients of 20 namespaces.
func benchWorld(b *testing.B, n int) *world {
	b.Helper()
	w := newWorld(b)
	for i := range n {
		if _, _, err := w.Register(b.Context(), "c1", benchReg(i), false); err != nil {
			b.Fatal(err)
		}
	}
	return w
}

func benchReg(i int) oauth.Registration {
	return reg(fmt.Sprintf("client-%05d", i))
}

// BenchmarkClient is the lookup on the way to every token.
func BenchmarkClient(b *testing.B) {
	w := benchWorld(b, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := w.Client("shop.client-00500"); !ok {
				b.Error("not found")
			}
		}
	})
}

// BenchmarkRegister creates clients one after another.
func BenchmarkRegister(b *testing.B) {
	w := newWorld(b)
	for i := 0; b.Loop(); i++ {
		if _, _, err := w.Register(b.Context(), "c1", benchReg(i), false); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad10000 is a server's start with 10,000 clients.
func BenchmarkLoad10000(b *testing.B) {
	w := benchWorld(b, 10_000)
	var before, after runtime.MemStats
	for b.Loop() {
		w.use(w.store)
		runtime.GC()
		runtime.ReadMemStats(&before)
		if err := w.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10_000, "B/client")
}

// BenchmarkInventory10000 reads the whole inventory of 10,000 clients.
func BenchmarkInventory10000(b *testing.B) {
	w := benchWorld(b, 10_000)
	for b.Loop() {
		for page, first := "", true; first || page != ""; first = false {
			inv, err := w.Inventory("c1", page, 0)
			if err != nil {
				b.Fatal(err)
			}
			page = inv.Next
		}
	}
}
