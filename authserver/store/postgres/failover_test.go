package postgres

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/hack/testenv"
)

// pair is a primary and the standby that follows it, and a store at whichever of them
// is the primary.
type pair struct {
	primary, standby *pgtest.Server
	log              *lines
}

func newPair(t *testing.T) pair {
	t.Helper()
	primary := started(t, pgtest.Start)
	return pair{primary: primary, standby: started(t, primary.Standby), log: &lines{}}
}

// replica hears of changes by listening only, and looks at the hosts now and then.
func (p pair) replica(t *testing.T, name string, lookEvery time.Duration) *Store {
	t.Helper()
	o := never
	o.DSN = pgtest.DSN("application_name="+name, p.primary, p.standby)
	o.Now, o.Log, o.lookEvery = time.Now, slog.New(slog.NewTextHandler(p.log, nil)), lookEvery
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

// abandoned waits until no replica is at a server.
func abandoned(t *testing.T, s *pgtest.Server) {
	t.Helper()
	const nobody = `DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_stat_activity WHERE application_name <> '' AND backend_type = 'client backend') = 0; END $$`
	testenv.Eventually(t, "nobody is at the primary that was left behind", func() bool { return s.Exec(t.Context(), "", nobody) == nil })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestF9AStandbyTakesOver, and has not received all that was promised.
func TestF9AStandbyTakesOver(t *testing.T) {
	p := newPair(t)
	here, other := p.replica(t, "here", time.Hour), p.replica(t, "other", time.Hour)
	id := bind(t, here)
	put(t, here, "kept")
	endThings(t, here)
	must(t, p.standby.CatchUp(t.Context(), p.primary))
	must(t, p.standby.Lag(t.Context()))
	put(t, here, "lost")
	since := put(t, other, "lost too")

	must(t, p.primary.Kill())
	fails(t, here, id, since)
	fails(t, other, id, since)
	must(t, p.standby.Promote(t.Context()))

	for name, s := range map[string]*Store{"here": here, "other": other} {
		var ch store.Changes
		testenv.Eventually(t, name+" is there again", func() (ok bool) {
			var err error
			ch, err = s.Changes(t.Context(), id, since)
			return err == nil
		})
		if !ch.Full || ch.Revision <= since || len(ch.Clients) != 1 || ch.StoreID != id {
			t.Errorf("%s: told %+v, want the one client that was kept, under a revision above %d", name, ch, since)
		}
		ended(t, s)
	}
	tells(t, here, other, id)
	tells(t, other, here, id)

	// The old primary comes back, writable, and is the first of the hosts.
	must(t, p.primary.Begin(t.Context()))
	must(t, p.primary.Exec(t.Context(), "", `UPDATE meta SET revision = revision`))
	here.db.pool.Reset()
	must(t, p.standby.Exec(t.Context(), "", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN clientele'`))
	again := p.replica(t, "again", time.Hour)
	for name, s := range map[string]*Store{"here": here, "again": again} {
		if _, err := s.Client(t.Context(), "told here"); err != nil {
			t.Errorf("%s is at the primary that was left behind: %v", name, err)
		}
	}
	tells(t, here, again, id)
	tells(t, again, other, id)
	tells(t, other, again, id)
	abandoned(t, p.primary)
	again.target.look(t.Context())
	again.target.look(t.Context())
	if n := strings.Count(p.log.String(), "a primary that was left behind accepts writes"); n != 3 {
		t.Errorf("it is said %d times that it should not run, want once by each who met it:\n%s", n, p.log)
	}
}

// TestF9APrimaryThatDoesNotKnow: a standby took over, and its primary goes on. Who is
// connected to it leaves, without a word from it.
func TestF9APrimaryThatDoesNotKnow(t *testing.T) {
	p := newPair(t)
	s := p.replica(t, "s", 20*time.Millisecond)
	id := bind(t, s)
	put(t, s, "kept")
	listening(t, s)
	must(t, p.standby.CatchUp(t.Context(), p.primary))
	must(t, p.standby.Lag(t.Context()))
	since := put(t, s, "lost")
	must(t, p.standby.Promote(t.Context()))
	if ch := changed(t, s, id, since); !ch.Full || ch.Revision <= since || len(ch.Clients) != 1 {
		t.Errorf("told %+v, want the one client that was kept, under a revision above %d", ch, since)
	}
	abandoned(t, p.primary)
	tells(t, s, s, id)
}

// TestF9APrimaryThatHangs takes connections and answers nobody. Once a standby took
// over, nobody waits for it.
func TestF9APrimaryThatHangs(t *testing.T) {
	p := newPair(t)
	s := p.replica(t, "s", 20*time.Millisecond)
	id := bind(t, s)
	since := put(t, s, "kept")
	listening(t, s)
	must(t, p.standby.CatchUp(t.Context(), p.primary))
	must(t, p.primary.Freeze(t.Context()))
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Changes(ctx, id, since)
		return err
	}
	if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that it takes too long", err)
	}
	must(t, p.standby.Promote(t.Context()))
	testenv.Eventually(t, "the standby is found", func() bool { return ask() == nil })
	s.db.pool.Reset()
	if err := ask(); err != nil {
		t.Errorf("a new connection: %v", err)
	}
	tells(t, s, s, id)
	must(t, p.primary.Kill()) // or closing the connections to it takes a while
}

// TestAStandbyIsNotWrittenTo, whatever the connection string says of it.
func TestAStandbyIsNotWrittenTo(t *testing.T) {
	p := newPair(t)
	_, err := Open(t.Context(), Options{DSN: p.standby.DSN("target_session_attrs=any"), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "this server is a standby, want the primary") || !absent(err) {
		t.Errorf("error %v, want that it is a standby, which may change", err)
	}
	o := never
	o.DSN, o.Now = pgtest.DSN("target_session_attrs=any", p.standby, p.primary), time.Now
	s, err := Open(t.Context(), o)
	must(t, err)
	closed(t, s)
}

// TestWhatIsTakenForTheSameDatabase: another cluster has timelines of its own.
func TestWhatIsTakenForTheSameDatabase(t *testing.T) {
	for name, test := range map[string]struct {
		was, is      timeline
		refuse, left bool
	}{
		"the first":        {is: timeline{"a", "00000002"}},
		"the same":         {was: timeline{"a", "00000002"}, is: timeline{"a", "00000002"}},
		"one that leads":   {was: timeline{"a", "00000009"}, is: timeline{"a", "0000000A"}, left: true},
		"one left behind":  {was: timeline{"a", "00000002"}, is: timeline{"a", "00000001"}, refuse: true},
		"another database": {was: timeline{"a", "00000002"}, is: timeline{"b", "00000001"}, left: true},
	} {
		target, err := newTarget(Options{DSN: "host=db", Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		target.timeline = test.was
		left := target.leaves()
		refused := target.saw(test.is, "db") != nil
		moved := target.leaves() != left
		if refused != test.refuse || moved != test.left {
			t.Errorf("%s: refused %v, left those before %v; want %v, %v", name, refused, moved, test.refuse, test.left)
		}
	}
}

// endThings that must not come back.
func endThings(t *testing.T, s *Store) {
	t.Helper()
	now := time.Now()
	c, f := taken(t, s)
	must(t, s.PutFamily(t.Context(), f))
	n, err := s.RevokeFamilies(t.Context(), store.FamilyFilter{ID: c.FamilyID}, now)
	if err != nil || n != 1 {
		t.Fatalf("%d families revoked: %v", n, err)
	}
	must(t, s.RevokeToken(t.Context(), "jti", now.Add(time.Hour)))
}

// ended says whether what endThings ended is so.
func ended(t *testing.T, s *Store) {
	t.Helper()
	if f, err := s.Family(t.Context(), "f"); err != nil || f.Revoked.IsZero() {
		t.Errorf("family %+v, %v: want it revoked", f, err)
	}
	if revoked, err := s.TokenRevoked(t.Context(), "jti"); err != nil || !revoked {
		t.Errorf("token revoked: %v, %v", revoked, err)
	}
	if _, err := s.TakeCode(t.Context(), "hash", time.Now()); !errors.Is(err, store.ErrUsed) {
		t.Errorf("the code again: %v, want ErrUsed", err)
	}
}

// tells says whether one replica hears of the other's change at once.
func tells(t *testing.T, hears, writes *Store, id string) {
	t.Helper()
	listening(t, hears)
	name := "told " + strings.ToLower(hears.target.pool().ConnConfig.RuntimeParams["application_name"])
	since := put(t, writes, name)
	woken := make(chan store.Changes, 1)
	go func() { woken <- changed(t, hears, id, since) }()
	put(t, writes, name)
	if ch := <-woken; ch.Full || len(ch.Clients) != 1 || ch.Clients[0].Registration.ClientID != name {
		t.Errorf("told %+v, want client %s", ch, name)
	}
}
