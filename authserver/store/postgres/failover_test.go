package postgres

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
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

// replica hears of changes by listening only, and looks at the hosts now and then; or at
// the start only, and then it waits for them.
func (p pair) replica(t *testing.T, name string, lookEvery time.Duration) *Store {
	t.Helper()
	o := never
	if lookEvery == atTheStart {
		o.lookTimeout = time.Minute
	}
	o.DSN = pgtest.DSN("application_name="+name, p.primary, p.standby)
	o.Now, o.Log, o.lookEvery = time.Now, slog.New(slog.NewTextHandler(p.log, nil)), lookEvery
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

const (
	atTheStart = time.Hour
	often      = 20 * time.Millisecond
)

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
	here, other := p.replica(t, "here", atTheStart), p.replica(t, "other", atTheStart)
	id := bind(t, here)
	quiet := pair{p.primary, p.standby, &lines{}}
	idle := quiet.replica(t, "idle", atTheStart)
	listening(t, idle)
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
	listening(t, idle)
	if log := quiet.log.String(); strings.Contains(log, errMoved.Error()) || strings.Count(log, "another server has taken over") != 1 {
		t.Errorf("who found the standby by listening does not stay there:\n%s", log)
	}

	// The old primary comes back, writable, and is the first of the hosts.
	must(t, p.primary.Begin(t.Context()))
	must(t, p.primary.Exec(t.Context(), "", `UPDATE meta SET revision = revision`))
	here.db.pool.Reset()
	must(t, p.standby.Exec(t.Context(), "", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN clientele'`))
	again := p.replica(t, "again", atTheStart)
	for name, s := range map[string]*Store{"here": here, "again": again} {
		if _, err := s.Client(t.Context(), "told here"); err != nil {
			t.Errorf("%s is at the primary that was left behind: %v", name, err)
		}
	}
	tells(t, here, again, id)
	tells(t, again, other, id)
	tells(t, other, again, id)
	abandoned(t, p.primary)

	said := func(times int) {
		t.Helper()
		here.target.look(t.Context())
		again.target.look(t.Context())
		if n := strings.Count(p.log.String(), "another one has taken over on timeline 00000002: stop this one"); n != times {
			t.Errorf("it is said %d times that it should not run, want %d:\n%s", n, times, p.log)
		}
	}
	said(2) // once by each who looks
	said(2)
	must(t, p.primary.End())
	said(2)
	must(t, p.primary.Begin(t.Context()))
	said(4)
}

// TestF9APrimaryThatDoesNotKnow: a standby took over, and its primary goes on. Who is
// connected to it leaves, without a word from it.
func TestF9APrimaryThatDoesNotKnow(t *testing.T) {
	p := newPair(t)
	s := p.replica(t, "s", often)
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
	s := p.replica(t, "s", often)
	id := bind(t, s)
	since := put(t, s, "kept")
	listening(t, s)
	must(t, p.standby.CatchUp(t.Context(), p.primary))
	must(t, p.primary.Freeze(t.Context()))
	ask := func(patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := s.Changes(ctx, id, since)
		return err
	}
	if err := ask(time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that it takes too long", err)
	}
	must(t, p.standby.Promote(t.Context()))
	testenv.Eventually(t, "the standby is found", func() bool { return ask(time.Second) == nil })
	testenv.Eventually(t, "a new connection does not wait for the other host", func() bool {
		s.db.pool.Reset()
		return ask(hostTimeout/2) == nil
	})
	tells(t, s, s, id)
	must(t, p.primary.Kill()) // or closing the connections to it takes a while
}

// TestAStandbyIsNotWrittenTo, whatever the connection string and the role's rights are.
func TestAStandbyIsNotWrittenTo(t *testing.T) {
	p := newPair(t)
	must(t, p.primary.Exec(t.Context(), "", `REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC;
		CREATE ROLE app LOGIN; CREATE SCHEMA app AUTHORIZATION app`))
	must(t, p.standby.CatchUp(t.Context(), p.primary))
	for _, parameters := range []string{
		"target_session_attrs=any", "target_session_attrs=prefer-standby", "target_session_attrs=standby",
		"user=app search_path=app", "user=app search_path=app target_session_attrs=prefer-standby",
	} {
		_, err := Open(t.Context(), Options{DSN: p.standby.DSN(parameters), Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), "this server is a standby, want the primary") || !absent(err) {
			t.Errorf("%s: error %v, want that it is a standby, which may change", parameters, err)
		}
		for _, hosts := range [][]*pgtest.Server{{p.standby, p.primary}, {p.primary, p.standby}} {
			o := never
			o.DSN, o.Now = pgtest.DSN(parameters, hosts...), time.Now
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Errorf("%s: %v", parameters, err)
				continue
			}
			for range 3 {
				s.target.look(t.Context())
				s.db.pool.Reset()
				bind(t, s)
				put(t, s, "a")
			}
			closed(t, s)
		}
	}
}

// TestAServerThatTakesNoWrites, as one that was fenced off, is like a standby.
func TestAServerThatTakesNoWrites(t *testing.T) {
	fenced := started(t, pgtest.Start, "default_transaction_read_only=on")
	_, err := Open(t.Context(), Options{DSN: fenced.DSN(""), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "this server takes no writes, want default_transaction_read_only = off") || !absent(err) {
		t.Errorf("error %v, want that it takes no writes, which may change", err)
	}
}

// TestTwoClusters among the hosts, such as one that was upgraded or restored beside the
// old one: the one that was first is used, and nobody leaves it for the other.
func TestTwoClusters(t *testing.T) {
	one, two := started(t, pgtest.Start), started(t, pgtest.Start)
	m := mount(t, pgtest.DSN("", one, two))
	o := m.options()
	o.lookEvery = time.Hour
	s, err := Open(t.Context(), o)
	must(t, err)
	defer closed(t, s)
	id := bind(t, s)
	since := put(t, s, "here")
	stays := s.target.leaves()
	for range 4 {
		s.target.look(t.Context())
		s.db.pool.Reset()
		if ch, err := s.Changes(t.Context(), id, since-1); err != nil || ch.Full || len(ch.Clients) != 1 {
			t.Errorf("told %+v, %v: want the one change", ch, err)
		}
	}
	if s.target.leaves() != stays {
		t.Error("connections were given up")
	}
	m.saysOnce(t, "this server belongs to another cluster")

	// Nor is it taken for a standby that took over.
	must(t, one.End())
	for range 2 {
		s.target.look(t.Context())
		s.db.pool.Reset()
		if _, err := s.Changes(t.Context(), id, since); err == nil || !strings.Contains(err.Error(), "this server belongs to another cluster") {
			t.Errorf("error %v, want that it is another cluster", err)
		}
	}

	// Unless all hosts belong to it.
	dir, _, _ := strings.Cut(strings.TrimPrefix(two.DSN(""), "host="), " ")
	link := filepath.Join(t.TempDir(), "two")
	must(t, os.Symlink(dir, link))
	m.write(t, strings.Replace(two.DSN(""), dir, dir+","+link, 1))
	testenv.Eventually(t, "the other cluster is used", func() bool {
		_, _, err := s.Bind(t.Context(), "keys")
		return err != nil && strings.Contains(err.Error(), `relation "meta" does not exist`)
	})
	must(t, one.Begin(t.Context()))
	m.write(t, one.DSN(""))
	testenv.Eventually(t, "the first cluster is used again", func() bool {
		_, err := s.Client(t.Context(), "here")
		return err == nil
	})
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
