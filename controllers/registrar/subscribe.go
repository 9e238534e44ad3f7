package registrar

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Subscriber is told what changed at a server behind its back. Its functions
// must return at once; any may be nil. They are called in no fixed goroutine.
type Subscriber struct {
	// Client: the client of an owner is no longer as it was recorded: changed,
	// gone, or there though nobody recorded it.
	Client func(server Key, owner types.NamespacedName)
	// Policy: the same for the policy of a ScopePolicy's uid. It is also called
	// when a reconciler recorded a change itself, for others decide by it.
	Policy func(server Key, uid string)
	// Server: State changed in more than its counts; or its counts changed, but
	// that at most every few seconds.
	Server func(server Key)
	// Recovered: the inventory was read for the first time or is of another
	// store, or the server answers again after it did not.
	Recovered func(server Key)
}

type subscribers struct {
	mu   sync.RWMutex
	list []Subscriber
}

// Subscribe adds a subscriber, for good.
func (s *Servers) Subscribe(sub Subscriber) {
	s.subscribers.mu.Lock()
	defer s.subscribers.mu.Unlock()
	s.subscribers.list = append(s.subscribers.list, sub)
}

func (s *subscribers) each(f func(Subscriber)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, sub := range s.list {
		f(sub)
	}
}

func (s *subscribers) client(key Key, owner types.NamespacedName) {
	s.each(func(sub Subscriber) {
		if sub.Client != nil {
			sub.Client(key, owner)
		}
	})
}

func (s *subscribers) policy(key Key, uid string) {
	s.each(func(sub Subscriber) {
		if sub.Policy != nil {
			sub.Policy(key, uid)
		}
	})
}

func (s *subscribers) server(key Key) {
	s.each(func(sub Subscriber) {
		if sub.Server != nil {
			sub.Server(key)
		}
	})
}

func (s *subscribers) recovered(key Key) {
	s.each(func(sub Subscriber) {
		if sub.Recovered != nil {
			sub.Recovered(key)
		}
	})
}
