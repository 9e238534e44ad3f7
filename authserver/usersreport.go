package authserver

import (
	"sync"

	"clientele.dev/clientele/authserver/oauth"
)

// usersReport keeps what the source says about the people who may sign in, for
// the registrar, who waits for another one.
type usersReport struct {
	mu      sync.Mutex
	report  *oauth.UsersReport
	changed chan struct{} // closed when another report takes the place of this one
}

// set replaces the report; nil, which is not known, leaves what is there.
func (u *usersReport) set(next *oauth.UsersReport) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if next == nil || u.report != nil && u.report.Digest == next.Digest {
		return
	}
	u.report = next
	if u.changed != nil {
		close(u.changed)
		u.changed = nil
	}
}

// get returns the report, nil if there is none, and what tells of the next one.
func (u *usersReport) get() (*oauth.UsersReport, <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.changed == nil {
		u.changed = make(chan struct{})
	}
	return u.report, u.changed
}
