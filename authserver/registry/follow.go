package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// How long to wait after the store could not be read.
const (
	firstBackoff = 250 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

var errNoKeys = errors.New("the server keys are not there yet")

// Load binds the store to the server keys and reads all of it.
func (r *Registry) Load(ctx context.Context) error {
	if err := r.refresh(ctx); err != nil {
		return fmt.Errorf("load the registrations: %w", err)
	}
	return nil
}

// Run keeps the view, and Confirmed, fresh until ctx ends; then it returns nil. A
// store that cannot be read is logged when it begins and when it is over.
func (r *Registry) Run(ctx context.Context) error {
	told, backoff := reads, firstBackoff
	for ctx.Err() == nil {
		err := r.refresh(ctx)
		if ctx.Err() != nil {
			break
		}
		told = r.report(told, err)
		if err == nil {
			backoff = firstBackoff
			r.await(ctx)
			continue
		}
		r.pause(ctx, backoff)
		backoff = min(2*backoff, lastBackoff)
	}
	return nil
}

// progress is how it goes with reading the store.
type progress int

const (
	reads progress = iota
	waits          // for the server keys, as every new installation does
	fails
)

// report logs how it goes, if that is news, and returns it.
func (r *Registry) report(told progress, err error) progress {
	now := reads
	switch {
	case errors.Is(err, errNoKeys):
		now = waits
	case err != nil:
		now = fails
	}
	switch {
	case now == told:
	case now == waits:
		r.log.Info("waiting for the server keys; no registration is served before")
	case now == fails:
		r.log.Error("the store cannot be read; the registrations in memory grow old", "error", err)
	case told == waits:
		r.log.Info("the server keys are there, and the store can be read")
	default:
		r.log.Info("the store can be read again")
	}
	return now
}

// KeysChanged tells Run that Options.Keys may give other keys now. Without it the
// next change, or a few seconds, has the same effect.
func (r *Registry) KeysChanged() {
	select {
	case r.keysChanged <- struct{}{}:
	default:
	}
}

// refresh catches up with the store, whatever its revision.
func (r *Registry) refresh(ctx context.Context) error {
	return r.bound(ctx, func(credential.ServerKeys) error {
		return r.follow(ctx, -1)
	})
}

// bound runs do while the store is, and stays, bound to the server keys in force.
func (r *Registry) bound(ctx context.Context, do func(credential.ServerKeys) error) error {
	for {
		r.binding.RLock()
		keys := r.keys()
		if keys.ID != "" && keys.ID == r.boundTo {
			err := do(keys)
			r.binding.RUnlock()
			if errors.Is(err, store.ErrNotBound) {
				r.unbind(keys.ID)
			}
			return err
		}
		r.binding.RUnlock()
		if err := r.bind(ctx); err != nil {
			return err
		}
	}
}

func (r *Registry) bind(ctx context.Context) error {
	r.binding.Lock()
	defer r.binding.Unlock()
	keys := r.keys()
	if keys.ID == "" {
		return errNoKeys
	}
	if keys.ID == r.boundTo {
		return nil
	}
	id, wiped, err := r.store.Bind(ctx, keys.ID)
	if err != nil {
		return fmt.Errorf("bind the store to the server keys: %w", err)
	}
	if wiped {
		r.log.Warn("the server keys are others than the store was made with; it was emptied, and registrars register again", "store_id", id)
	}
	r.boundTo = keys.ID
	return r.follow(ctx, -1)
}

// unbind after somebody emptied the store under way: the next call binds it anew.
func (r *Registry) unbind(id string) {
	r.binding.Lock()
	defer r.binding.Unlock()
	if r.boundTo == id {
		r.boundTo = ""
	}
}

// follow reads what changed in the store, unless the view has reached revision
// atLeast already (another caller's reading served this one too), and applies it.
func (r *Registry) follow(ctx context.Context, atLeast int64) error {
	r.following.Lock()
	defer r.following.Unlock()
	storeID, revision := r.position()
	if atLeast >= 0 && revision >= atLeast {
		return nil
	}
	seen := r.now()
	changes, err := r.store.Changes(ctx, storeID, revision)
	if err != nil {
		return fmt.Errorf("read the store's changes: %w", err)
	}
	r.apply(changes)
	r.confirmed.Store(seen.UnixNano())
	return nil
}

func (r *Registry) position() (storeID string, revision int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.storeID, r.state.revision
}

// await returns when there is, or may be, something to read.
func (r *Registry) await(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.keysChanged:
			cancel()
		case <-ctx.Done():
		}
	}()
	_, revision := r.position()
	if err := r.store.Await(ctx, revision); err != nil && ctx.Err() == nil {
		r.pause(ctx, firstBackoff) // the reading that follows says what is wrong
	}
}

func (r *Registry) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.keysChanged:
	case <-ctx.Done():
	}
}
