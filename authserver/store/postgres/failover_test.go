package postgres

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/storetest"
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

// replica of the server; it hears of changes by notification only.
func (p pair) replica(t *testing.T, name string) *Store {
	t.Helper()
	o := never
	o.DSN = pgtest.DSN("application_name="+name, p.primary, p.standby)
	o.Now, o.Log = time.Now, slog.New(slog.NewTextHandler(p.log, nil))
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return storetest.Sign(s)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestF9AStandbyTakesOver: the primary is killed and a standby is promoted that has not
// received everything. Replicas come back by themselves and read everything again.
func TestF9AStandbyTakesOver(t *testing.T) {
	p := newPair(t)
	here, other := p.replica(t, "here"), p.replica(t, "other")
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
		testenv.Eventually(t, name+" is back", func() (ok bool) {
			var err error
			ch, err = s.Changes(t.Context(), id, since)
			return err == nil
		})
		if !ch.Full || ch.Revision <= since || len(ch.Clients) != 1 || ch.StoreID != id {
			t.Errorf("%s: %+v, want the one client that was kept, under a revision above %d", name, ch, since)
		}
		ended(t, s)
	}
	tells(t, here, other, id)
	tells(t, other, here, id)
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
		if err == nil || !strings.Contains(err.Error(), "this server is a standby") || !absent(err) {
			t.Errorf("%s: error %v, want that it is a standby, and may become the primary", parameters, err)
		}
		for _, hosts := range [][]*pgtest.Server{{p.standby, p.primary}, {p.primary, p.standby}} {
			o := never
			o.DSN, o.Now = pgtest.DSN(parameters, hosts...), time.Now
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Errorf("%s: %v", parameters, err)
				continue
			}
			storetest.Sign(s)
			for range 3 {
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
	if err == nil || !strings.Contains(err.Error(), "has default_transaction_read_only = on") || !absent(err) {
		t.Errorf("error %v, want that it takes no writes, which may change", err)
	}
}

// TestAnotherClusterIsRefused, such as one that was upgraded or restored beside the one
// in use, until the restart.
func TestAnotherClusterIsRefused(t *testing.T) {
	one, two := started(t, pgtest.Start), started(t, pgtest.Start)
	m := mount(t, pgtest.DSN("", one, two))
	s := m.open(t)
	bind(t, s)
	put(t, s, "here")
	closed(t, openAt(t, two)) // makes the tables

	must(t, one.End())
	testenv.Eventually(t, "the other cluster is refused", func() bool {
		_, err := s.Client(t.Context(), "here")
		if err == nil || errors.Is(err, store.ErrNotFound) {
			t.Fatalf("error %v, want an outage", err)
		}
		return strings.Contains(err.Error(), "this server belongs to another cluster")
	})
	must(t, one.Begin(t.Context()))
	testenv.Eventually(t, "the first cluster is used again", func() bool {
		_, err := s.Client(t.Context(), "here")
		return err == nil
	})
}

func openAt(t *testing.T, own *pgtest.Server) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{DSN: own.DSN(""), Now: time.Now})
	must(t, err)
	return s
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
