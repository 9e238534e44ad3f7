package registrar

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	// pageSize of the inventory: 10,000 clients in ten calls.
	pageSize = 1000
	// countsEvery bounds how often subscribers hear of new counts.
	countsEvery = 5 * time.Second
)

// Sync reads the whole inventory once, and the metadata if it is not known.
func (s *Server) Sync(ctx context.Context) error {
	err := s.sync(ctx)
	s.note(err)
	return err
}

// Poll waits for changes, up to wait, and takes them in. It reads the whole
// inventory where that is needed: at first, and after the store was lost.
func (s *Server) Poll(ctx context.Context, wait time.Duration) error {
	err := s.poll(ctx, wait)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.note(err)
	return err
}

func (s *Server) sync(ctx context.Context) error {
	if _, err := s.Endpoints(ctx); err != nil {
		return err
	}
	if err := s.askReplicas(ctx); err != nil {
		return err
	}
	all, err := s.readAll(ctx)
	if err != nil {
		return fmt.Errorf("read the inventory: %w", err)
	}
	first := !s.inventory.Synced()
	switch lost, differences := s.inventory.replace(all); {
	case lost:
		s.options.Log.Info("the server's store is another one; registering everything again", "server", s.key.String())
	case !first && differences > 0:
		s.options.Log.Info("the inventory differed from the server's; reconciling what differs", "server", s.key.String(), "differences", differences)
	}
	every := s.options.CompareEvery
	s.mu.Lock()
	s.compareAt = s.options.Now().Add(every - every/8 + rand.N(every/4+1))
	s.mu.Unlock()
	return nil
}

// compares reports whether it is time to read the whole inventory: the list of changes, or
// what reconcilers recorded, may have missed something.
func (s *Server) compares() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.options.Now().Before(s.compareAt)
}

func (s *Server) readAll(ctx context.Context) (oauth.Inventory, error) {
	var all oauth.Inventory
	page := ""
	for {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if page != "" {
			query.Set("page", page)
		}
		var got oauth.Inventory
		if _, err := s.do(ctx, call{method: http.MethodGet, url: s.registrarURL("inventory?" + query.Encode()), into: &got}); err != nil {
			return all, err
		}
		if got.StoreID == "" || page != "" && got.StoreID != all.StoreID {
			return all, fmt.Errorf("%w: the store changed between two pages", ErrGarbage)
		}
		if page == "" {
			// Later pages may be newer; what changed since the first comes again
			// in the change list.
			all.StoreID, all.Revision, all.Complete = got.StoreID, got.Revision, got.Complete
		}
		// Or older, from a replica that lags behind.
		all.Revision = min(all.Revision, got.Revision)
		all.Clients = append(all.Clients, got.Clients...)
		all.Policies = append(all.Policies, got.Policies...)
		if got.Next == "" {
			return all, nil
		}
		page = got.Next
	}
}

func (s *Server) poll(ctx context.Context, wait time.Duration) error {
	storeID, revision, synced := s.inventory.position()
	if s.failed() || s.rerouted() {
		// A server that comes back, or is reached elsewhere, may be another one.
		if _, err := s.fetchEndpoints(ctx); err != nil {
			return err
		}
		wait = 0
	}
	if !synced || s.compares() {
		return s.sync(ctx)
	}
	query := url.Values{
		"store_id": {storeID},
		"since":    {strconv.FormatInt(revision, 10)},
		"wait":     {strconv.Itoa(int(wait / time.Second))},
		"users":    {s.usersDigest()},
		"storage":  {s.storageState()},
	}
	var list oauth.Inventory
	_, err := s.do(ctx, call{
		method:  http.MethodGet,
		url:     s.registrarURL("changes?" + query.Encode()),
		into:    &list,
		timeout: wait + s.options.Timeout,
	})
	if err != nil {
		return fmt.Errorf("follow the inventory: %w", err)
	}
	s.takeStorage(list.Storage)
	if err := s.takeUsers(ctx, list.Users); err != nil {
		return err
	}
	if !s.inventory.apply(list) {
		return s.sync(ctx)
	}
	return s.askReplicas(ctx)
}

func (s *Server) usersDigest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		return oauth.NoUsersReport
	}
	return s.users.Digest
}

func (s *Server) storageState() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.storage == nil {
		return oauth.NoStorageReport
	}
	return string(s.storage.State)
}

// takeStorage keeps what the server says about its storage.
func (s *Server) takeStorage(report *oauth.StorageReport) {
	if report == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.storage == nil || *s.storage != *report {
		s.storage = report
	}
}

// takeUsers keeps what the server says about users. Where it is about another
// generation of the AuthorizationServer the endpoints may be others, too.
func (s *Server) takeUsers(ctx context.Context, report *oauth.UsersReport) error {
	if report == nil {
		return nil
	}
	s.mu.Lock()
	had := s.users
	if had == nil || had.Digest != report.Digest {
		s.users = report
	}
	s.mu.Unlock()
	if had == nil || had.Generation == report.Generation {
		return nil
	}
	_, err := s.fetchEndpoints(ctx)
	return err
}

// follow polls until ctx ends.
func (s *Server) follow(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		started := s.options.Now()
		if err := s.Poll(ctx, s.options.PollWait); err != nil {
			failures++
			pause(ctx, s.backoff(failures, err))
			continue
		}
		failures = 0
		pause(ctx, s.options.Pace-s.options.Now().Sub(started))
	}
}

// backoff doubles from RetryMin to RetryMax, with jitter so that many operators
// do not come back at once; it honours Retry-After.
func (s *Server) backoff(failures int, err error) time.Duration {
	d := min(s.options.RetryMin<<min(failures-1, 16), s.options.RetryMax)
	d = d/2 + rand.N(d/2+1)
	var status *StatusError
	if errors.As(err, &status) && status.RetryAfter > d {
		return min(status.RetryAfter, time.Minute)
	}
	return d
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (s *Server) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// rerouted says whether the endpoints were read elsewhere than the server is reached now.
func (s *Server) rerouted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.readBy != nil && s.readBy != s.route.Load()
}

// note keeps how the last exchange went and tells subscribers what they should
// know.
func (s *Server) note(err error) {
	st := s.inventory.state()
	s.mu.Lock()
	another := s.toldSynced != st.Synced || s.toldStore != st.StoreID
	settled := s.toldComplete != st.Complete
	spoken := s.toldProtocol != s.spoken.agreed
	news := another || settled || spoken || describe(s.err) != describe(err) || s.toldUsers != s.users || s.toldStorage != s.storage
	recovered := err == nil && (another || spoken || s.err != nil) // what was too new for the server may not be any more
	counts := [2]int{st.Clients, st.Policies}
	now := s.options.Now()
	if counts != s.toldCounts && now.Sub(s.told) >= countsEvery {
		news = true
	}
	s.err, s.toldSynced, s.toldStore, s.toldComplete, s.toldUsers, s.toldStorage = err, st.Synced, st.StoreID, st.Complete, s.users, s.storage
	s.toldProtocol = s.spoken.agreed
	if news {
		s.told, s.toldCounts = now, counts
	}
	s.mu.Unlock()
	if news {
		s.subscribers.server(s.key)
	}
	if recovered {
		s.subscribers.recovered(s.key)
	}
}

// describe tells apart errors that mean different things to people; the words of
// two timeouts differ and mean the same.
func describe(err error) string {
	if err == nil {
		return ""
	}
	return Explain(err).Reason
}
