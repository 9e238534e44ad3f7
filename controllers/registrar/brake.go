package registrar

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

const (
	// brakeMinAge is how long an OAuthClient must be seen to be gone before its
	// client is deregistered; so many deletions at once are counted before the
	// first of them is carried out.
	brakeMinAge = 2 * time.Second
	// brakeWindow and brakeFloor: within a window at most a tenth of the clients
	// that the server holds are deregistered, or brakeFloor if that is more.
	brakeWindow = time.Minute
	brakeFloor  = 20
	// brakeAgain is how soon those that are held back ask again, so that what is
	// told of them is never much older.
	brakeAgain = 10 * time.Second
	// brakeTold is how often at most a growing number of them is told.
	brakeTold = time.Second
)

// Brake holds back deregistrations where more OAuthClients vanish at once than
// anybody means to delete: the CRD was removed, a cache is empty, a backup was
// restored. It is safe for concurrent use.
type Brake struct {
	now func() time.Time
	// changed is called when State is to be told anew.
	changed func()

	mu      sync.Mutex
	waiting map[Owner]*braked
	// held counts those waiting that are not free; set is the exclusive or of
	// their hashes.
	held int
	set  [8]byte
	// passed are the times of the last deregistrations, oldest first.
	passed []time.Time
	limit  int
	told   BrakeState
	toldAt time.Time
}

type braked struct {
	since time.Time
	uid   string
	// free: let pass once, so a retry passes too.
	free bool
}

// BrakeState is what a DeregistrationPaused condition tells.
type BrakeState struct {
	// Paused: nothing is deregistered until it is confirmed, or until less than
	// Limit is waiting.
	Paused bool
	// Waiting counts the deregistrations that are held back.
	Waiting int
	// Limit is how many are carried out in a minute without being confirmed.
	Limit int
	// Confirm is the value of the annotation
	// oauth.clientele.dev/confirm-deregistration that lets those waiting pass. It
	// stands for exactly these, so an old one confirms nothing new.
	Confirm string
}

// Allow says whether the client of an owner that is gone may be deregistered
// now. uid is the owner's, registered how many clients the server holds,
// confirmation the annotation's value. If not, it says when to ask again.
func (b *Brake) Allow(owner Owner, uid string, registered int, confirmation string) (ok bool, again time.Duration) {
	b.mu.Lock()
	now := b.now()
	ok, again = b.allow(owner, uid, registered, confirmation, now)
	news := b.news(now)
	b.mu.Unlock()
	if news {
		b.changed()
	}
	return ok, again
}

// news says whether the state is to be told: at once when the brake goes on or
// off, and not too often while the number of those waiting changes.
func (b *Brake) news(now time.Time) bool {
	s := b.state()
	flipped := s.Paused != b.told.Paused
	if !flipped && (s.Confirm == b.told.Confirm || now.Sub(b.toldAt) < brakeTold) {
		return false
	}
	b.told, b.toldAt = s, now
	return true
}

func (b *Brake) allow(owner Owner, uid string, registered int, confirmation string, now time.Time) (ok bool, again time.Duration) {
	if b.waiting == nil {
		b.waiting = map[Owner]*braked{}
	}
	w := b.waiting[owner]
	if w == nil || w.uid != uid {
		b.remove(owner)
		w = &braked{since: now, uid: uid}
		b.waiting[owner] = w
		b.count(owner, w, 1)
	}
	b.limit = max(brakeFloor, registered/10)
	if state := b.state(); state.Paused && confirmation == state.Confirm {
		for one, held := range b.waiting {
			b.free(one, held)
		}
	}
	if w.free {
		return true, 0
	}
	if age := now.Sub(w.since); age < brakeMinAge {
		return false, brakeMinAge - age
	}
	if b.state().Paused {
		return false, brakeAgain
	}
	return b.pass(owner, w, now)
}

// pass lets one through if the window has room.
func (b *Brake) pass(owner Owner, w *braked, now time.Time) (bool, time.Duration) {
	for len(b.passed) > 0 && now.Sub(b.passed[0]) >= brakeWindow {
		b.passed = b.passed[1:]
	}
	if len(b.passed) >= b.limit {
		return false, b.passed[0].Add(brakeWindow).Sub(now)
	}
	b.passed = append(b.passed, now)
	b.free(owner, w)
	return true, 0
}

func (b *Brake) free(owner Owner, w *braked) {
	if !w.free {
		w.free = true
		b.count(owner, w, -1)
	}
}

func (b *Brake) remove(owner Owner) {
	if w := b.waiting[owner]; w != nil {
		b.free(owner, w)
		delete(b.waiting, owner)
	}
}

func (b *Brake) count(owner Owner, w *braked, by int) {
	b.held += by
	sum := sha256.Sum256([]byte(owner.String() + "/" + w.uid))
	for i := range b.set {
		b.set[i] ^= sum[i]
	}
}

// Release forgets an owner: its client is deregistered, or it is back.
func (b *Brake) Release(owner Owner) {
	b.mu.Lock()
	b.remove(owner)
	news := b.news(b.now())
	b.mu.Unlock()
	if news {
		b.changed()
	}
}

// Waiting lists the owners whose deregistration is held back.
func (b *Brake) Waiting() []Owner {
	b.mu.Lock()
	defer b.mu.Unlock()
	var owners []Owner
	for owner, w := range b.waiting {
		if !w.free {
			owners = append(owners, owner)
		}
	}
	return owners
}

// State tells whether and why deregistrations are held back.
func (b *Brake) State() BrakeState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state()
}

func (b *Brake) state() BrakeState {
	s := BrakeState{Limit: b.limit, Waiting: b.held, Paused: b.held > b.limit}
	if s.Paused {
		s.Confirm = fmt.Sprintf("%d-%s", s.Waiting, hex.EncodeToString(b.set[:4]))
	}
	return s
}
