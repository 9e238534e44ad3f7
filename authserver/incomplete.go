package authserver

import (
	"log/slog"
	"sync"
	"time"
)

// incompleteFor is how long a store may be incomplete before the log says so: far longer
// than an operator takes to register ten thousand clients again.
const incompleteFor = 10 * time.Minute

// incomplete says in the log that the store has not become complete (FIELD O20).
type incomplete struct {
	mu    sync.Mutex
	since time.Time // zero: it is complete
	told  bool
}

// look is called from time to time.
func (i *incomplete) look(complete bool, now time.Time, log *slog.Logger) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case complete:
		i.since, i.told = time.Time{}, false
	case i.since.IsZero():
		i.since = now
	case !i.told && now.Sub(i.since) >= incompleteFor:
		i.told = true
		log.Error("the operator has not registered all clients for more than ten minutes; clients that are not registered get 503: see the condition StoreComplete of the AuthorizationServer, and whether the operator runs")
	}
}
