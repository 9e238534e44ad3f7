package pki

import (
	mathrand "math/rand/v2"
	"testing"
	"time"
)

const day = 24 * time.Hour

// Twelve years of a server: at every moment a client that reads the bundle often enough
// verifies what is served, whatever happens to the objects.
func TestPromiseThroughTwelveYears(t *testing.T) {
	for name, disturb := range map[string]func(w *world, tick int){
		"nothing happens": func(*world, int) {},
		"rotations are asked for": func(w *world, tick int) {
			if tick%233 == 100 {
				w.in.RotateCA = w.now.String()
			}
		},
		"the CA Secret is lost now and then": func(w *world, tick int) {
			if tick%133 == 41 {
				w.in.CA = nil
			}
		},
		"the CA Secret is lost in the middle of a rotation": func(w *world, tick int) {
			switch tick % 167 {
			case 33:
				w.in.RotateCA = w.now.String()
			case 38:
				w.in.CA = nil
			}
		},
		"the CA Secret is lost just after a rotation": func(w *world, tick int) {
			switch tick % 167 {
			case 33:
				w.in.RotateCA = w.now.String()
			case 44:
				w.in.CA = nil
			}
		},
		"an old CA Secret is restored": func() func(w *world, tick int) {
			var backup map[string][]byte
			return func(w *world, tick int) {
				switch tick % 167 {
				case 32:
					backup = w.in.CA
				case 33:
					w.in.RotateCA = w.now.String()
				case 80: // the old CA is in no bundle any more
					w.in.CA = backup
				}
			}
		}(),
		"the serving Secret is lost": func(w *world, tick int) {
			if tick%16 == 7 {
				w.in.Serving = nil
			}
		},
		"the ConfigMap is lost": func(w *world, tick int) {
			if tick%11 == 7 {
				w.in.Bundle = ""
			}
		},
		"the ConfigMap is edited": func(w *world, tick int) {
			if tick%11 == 7 {
				w.in.Bundle = "nothing"
			}
		},
		"the lifetime changes": func(w *world, tick int) {
			if tick%66 == 7 {
				w.in.Lifetime = time.Duration(10+tick%77) * 24 * time.Hour
			}
		},
		"the cluster's domain changes": func(w *world, tick int) {
			if tick%300 == 7 {
				w.in.Names.ClusterDomain = []string{"cluster.local", "k8s.example.org"}[tick/300%2]
			}
		},
		"the longest overlap": func(w *world, tick int) {
			w.in.CAOverlap = 4320 * time.Hour
			if tick%233 == 100 {
				w.in.RotateCA = w.now.String()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for tick := range 12 * 365 / 4 {
				w.in.CAOverlap = 0
				disturb(w, tick)
				w.settle()
				w.verify(w.rereads())
				w.now = w.now.Add(4 * day)
			}
			if w.told(EventCARotatedEarly) > 0 {
				t.Errorf("events %v: a CA signed too early", w.events)
			}
			if w.told(EventCARotated) < 1 || w.told(EventCARemoved) < 1 || w.told(EventCertificateRenewed)+w.told(EventCertificateReplaced) < 20 {
				t.Errorf("events %v: want a rotation, an old CA that leaves, and renewals", w.events)
			}
			if n := len(w.set().Authorities); n > 3 {
				t.Errorf("%d authorities in the end", n)
			}
		})
	}
}

// Caches lag, writes fail or the operator dies between two of them, and Secrets are
// lost at the worst moment: the promise holds.
func TestPromiseWithStaleReadsAndFailingWrites(t *testing.T) {
	for seed := range uint64(3) {
		r := mathrand.New(mathrand.NewPCG(seed, 8))
		w := newWorld(t)
		w.in.CAOverlap, w.in.Lifetime = 10*day, 30*day
		old := w.in
		for range 1200 {
			in := w.in
			if r.IntN(3) == 0 {
				in.CA = old.CA
			}
			if r.IntN(3) == 0 {
				in.Serving = old.Serving
			}
			if r.IntN(3) == 0 {
				in.Bundle = old.Bundle
			}
			if r.IntN(3) > 0 {
				old = w.in
			}
			w.pass(in, r.IntN(8))
			// The loss of a Secret is no fault, but that of both is.
			calm := len(w.served) > 0 && w.in.CA != nil && w.signs() && w.leaf().NotAfter.Sub(w.now) > 15*day
			switch {
			case calm && r.IntN(300) == 0:
				w.in.CA = nil
			case calm && r.IntN(100) == 0:
				w.in.RotateCA = w.now.String()
			case calm && w.trusted() && r.IntN(200) == 0:
				w.in.Serving = nil
			}
			w.verify(10*day - time.Second)
			w.now = w.now.Add(time.Duration(r.Int64N(int64(6 * time.Hour))))
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// signs says whether the certificate in use was signed by an authority with a key.
func (w *world) signs() bool {
	for _, a := range w.set().Authorities {
		if w.in.Serving != nil && a.key != nil && a.signed(w.leaf()) {
			return true
		}
	}
	return false
}

// trusted says whether the authority that signs is one that clients had the time to
// read, so that it may sign again after the serving Secret was lost.
func (w *world) trusted() bool {
	for _, a := range w.set().Authorities {
		if a.key != nil && a.signed(w.leaf()) && !a.TrustedSince.IsZero() && w.now.Sub(a.TrustedSince) >= w.in.CAOverlap {
			return true
		}
	}
	return false
}
