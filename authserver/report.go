package authserver

import "sync"

// report keeps the last report of its kind, for the registrar, who waits for another one.
type report[T any] struct {
	mu      sync.Mutex
	last    *T
	changed chan struct{} // closed when another report takes the place of this one
}

// set replaces the report; nil, which is not known, leaves what is there. same says
// whether those who wait have no reason to hear of it.
func (r *report[T]) set(next *T, same func(last, next *T) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if next == nil {
		return
	}
	another := r.last == nil || !same(r.last, next)
	r.last = next
	if another && r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// get returns the report, nil if there is none, and what tells of the next one.
func (r *report[T]) get() (*T, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.last, r.changed
}
