package endpoint

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

// Bounds of the inventory's answers.
const (
	defaultPage = 1000
	maxPage     = 5000
	maxWait     = 55 // seconds; below the minute after which proxies give up
)

// number reads an optional number; absent: fallback.
func number(p *params.Params, name string, fallback, least, most int64) (int64, error) {
	text := p.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, oauth.InvalidRequest("%s must be a number from %d to %d", name, least, most)
	}
	return n, nil
}

// inventory is GET /registrar/v1/inventory: the clients and policies of the
// caller's cluster, page by page.
func (s *Server) inventory(x *exchange, caller Caller) int {
	q, err := query(x)
	if err != nil {
		return s.fail(x, err)
	}
	limit, err := number(&q, "limit", defaultPage, 1, maxPage)
	if err != nil {
		return s.fail(x, err)
	}
	page, err := s.Registry.Inventory(caller.Cluster, q.Get("page"), int(limit))
	if err != nil {
		return s.fail(x, storeError(err))
	}
	return writeJSON(x, http.StatusOK, page)
}

// changes is GET /registrar/v1/changes: a long poll for what changed since a
// revision, and for other reports than those that the caller has. When the server stops it
// ends at once, as if nothing had changed: the caller asks another replica next.
func (s *Server) changes(x *exchange, caller Caller) int {
	q, err := query(x)
	if err != nil {
		return s.fail(x, err)
	}
	wait, err := number(&q, "wait", 0, 0, maxWait)
	if err != nil {
		return s.fail(x, err)
	}
	since, err := number(&q, "since", 0, 0, 1<<62)
	if err != nil {
		return s.fail(x, err)
	}
	return s.poll(x, polled{
		cluster: caller.Cluster, storeID: q.Get("store_id"), since: since,
		users: q.Get("users"), storage: q.Get("storage"), wait: time.Duration(wait) * time.Second,
	})
}

// polled is what a caller of changes knows, and how long it waits for more.
type polled struct {
	cluster string
	storeID string
	since   int64
	users   string // digest of the report it has; empty: it asks for none
	storage string // state that it was told; empty: it asks for none
	wait    time.Duration
}

func (s *Server) poll(x *exchange, p polled) int {
	// The server's own time limits are for requests that are answered at once.
	deadlines := http.NewResponseController(x.w)
	_ = deadlines.SetReadDeadline(time.Time{}) // an unsupported one is no error of the caller's
	_ = deadlines.SetWriteDeadline(time.Time{})

	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	anotherUsers, anotherStorage, already := s.awaited(p)
	if already || ended(s.Draining) {
		p.wait = 0
	}
	go func() {
		select {
		case <-s.Draining:
		case <-anotherUsers:
		case <-anotherStorage:
		case <-ctx.Done():
		}
		cancel()
	}()
	changes, err := s.Registry.Changes(ctx, p.cluster, p.storeID, p.since, p.wait)
	if err != nil && ctx.Err() != nil && x.r.Context().Err() == nil { // it only waited no longer
		changes, err = s.Registry.Changes(x.r.Context(), p.cluster, p.storeID, p.since, 0)
	}
	changes.Users, _ = s.Health.UsersReport()
	changes.Storage, _ = s.Health.StorageReport()
	if x.r.Context().Err() != nil {
		return s.fail(x, oauth.TemporarilyUnavailable("the caller is gone").WithCause(err))
	}
	if err != nil {
		return s.fail(x, storeError(err))
	}
	return writeJSON(x, http.StatusOK, changes)
}

// awaited are the channels of the reports that a caller asks for, and whether there are
// other ones already than it has.
func (s *Server) awaited(p polled) (users, storage <-chan struct{}, already bool) {
	if p.users != "" {
		var is *oauth.UsersReport
		is, users = s.Health.UsersReport()
		already = is != nil && is.Digest != p.users
	}
	if p.storage != "" {
		var is *oauth.StorageReport
		is, storage = s.Health.StorageReport()
		already = already || is != nil && string(is.State) != p.storage
	}
	return users, storage, already
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default: // open, or nil
		return false
	}
}

// replicas is GET /registrar/v1/replicas: who serves which signing keys since when.
func (s *Server) replicas(x *exchange, _ Caller) int {
	list, err := s.Replicas.Replicas(x.r.Context(), s.Now())
	if err != nil {
		return s.fail(x, err)
	}
	if list == nil {
		list = []oauth.Replica{}
	}
	return writeJSON(x, http.StatusOK, oauth.ReplicaList{StoreID: s.Registry.StoreID(), Replicas: list})
}
