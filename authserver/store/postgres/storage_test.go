package postgres

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/hack/testenv"
)

// stateOf what a failure of the storage says; "": it is none.
func stateOf(err error) oauth.StorageState {
	if failed, ok := errors.AsType[*store.StorageError](err); ok {
		return failed.State
	}
	return ""
}

func TestWhatAnErrorMeansForTheStorage(t *testing.T) {
	for code, want := range map[string]oauth.StorageState{
		"53100": oauth.StorageFull, "53300": oauth.StorageUnreachable, "57P01": oauth.StorageUnreachable, "57014": "", "08006": oauth.StorageUnreachable,
		"28P01": oauth.StorageRefused, "28000": oauth.StorageRefused, "3D000": oauth.StorageRefused, "42501": oauth.StorageRefused,
		"25006": oauth.StorageUnreachable, "58030": oauth.StorageUnreachable, "23505": "", "42P01": "", "40001": "",
	} {
		if got := judge(&pgconn.PgError{Code: code}); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	for err, want := range map[error]oauth.StorageState{
		io.ErrUnexpectedEOF: oauth.StorageUnreachable, context.DeadlineExceeded: oauth.StorageUnreachable,
		errors.New("a column that does not scan"): "", store.ErrNotFound: "",
	} {
		if got := judge(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// renewed is what the server does every few seconds; the error is what it gets.
func renewed(t *testing.T, s *Store) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return s.RenewLease(ctx, oauth.Replica{ID: "r", LeaseExpires: time.Now().Unix() + 30})
}

// unavailable says whether an error is answered 503, by a state of the storage.
func unavailable(t *testing.T, what string, err error, want oauth.StorageState) {
	t.Helper()
	if oauth.CodeOf(err) != oauth.CodeTemporarilyUnavailable || stateOf(err) != want {
		t.Errorf("%s: error %v is %q, want it unavailable, as %q", what, err, stateOf(err), want)
	}
}

// TestExamineTellsOfAnOutage, and of its end.
func TestExamineTellsOfAnOutage(t *testing.T) {
	own := started(t, pgtest.Start)
	s, err := Open(t.Context(), Options{DSN: own.DSN("connect_timeout=20 password=hunter2"), Now: time.Now, Poll: time.Hour, Linger: time.Hour})
	must(t, err)
	defer closed(t, s)
	must(t, renewed(t, s))
	reports(t, s, oauth.StorageAvailable)
	must(t, own.End())
	unavailable(t, "a write", renewed(t, s), oauth.StorageUnreachable)
	_, err = s.TokenRevoked(t.Context(), "jti")
	unavailable(t, "a read", err, oauth.StorageUnreachable)
	said := reports(t, s, oauth.StorageUnreachable)
	if strings.Contains(said, "hunter2") || !strings.Contains(said, "/postgres") {
		t.Errorf("message %q, want it to say where, and no password", said)
	}
	must(t, own.Begin(t.Context()))
	must(t, renewed(t, s))
	reports(t, s, oauth.StorageAvailable)
}

func reports(t *testing.T, s *Store, want oauth.StorageState) (message string) {
	t.Helper()
	report := s.Examine(t.Context())
	if report.State != want || (report.Message == "") != (want == oauth.StorageAvailable) {
		t.Errorf("reported %+v, want %s", report, want)
	}
	return report.Message
}

// TestADatabaseWhoseDiskIsFull still tells what is in it. PostgreSQL's own error for a
// full disk is raised by hand: the disk is that of everything else here.
func TestADatabaseWhoseDiskIsFull(t *testing.T) {
	_, there := schema(t)
	s := open(t, there, Options{})
	defer closed(t, s)
	bind(t, s)
	exec(t, there, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON leases EXECUTE FUNCTION full_disk()`)
	unavailable(t, "a write", renewed(t, s), oauth.StorageFull)
	if _, err := s.TokenRevoked(t.Context(), "jti"); err != nil {
		t.Errorf("a read: %v", err)
	}
	reports(t, s, oauth.StorageFull)
	exec(t, there, `DROP TRIGGER full_disk ON leases`)
	must(t, renewed(t, s))
	reports(t, s, oauth.StorageAvailable)
}

// TestAConnectionStringThatLeadsElsewhere: another database is used after a restart, and
// the condition says so; a string that cannot be used at all would not be, and says so too.
func TestAConnectionStringThatLeadsElsewhere(t *testing.T) {
	_, there := schema(t)
	m := mount(t, server.DSN(there))
	s := m.open(t)
	reports(t, s, oauth.StorageAvailable)
	for _, test := range []struct {
		dsn  string
		want oauth.StorageState
		say  string
	}{
		{server.DSN(there + " dbname=template1 password=hunter2"), oauth.StorageRestartNeeded, `it names the database "template1", want "postgres"`},
		{"postgres://u:hunter2%zz@db/x", oauth.StorageRefused, "want postgres://"},
		{server.DSN("search_path=elsewhere password=hunter2"), oauth.StorageRestartNeeded, "its parameters, such as search_path"},
	} {
		m.write(t, test.dsn)
		if said := reports(t, s, test.want); !strings.Contains(said, test.say) || strings.Contains(said, "hunter2") {
			t.Errorf("%q is said, want %q and no password", said, test.say)
		}
		must(t, renewed(t, s)) // it is still the one before
	}
	m.write(t, server.DSN(there))
	reports(t, s, oauth.StorageAvailable)
}

// TestAPasswordThatIsWrongNow is refused, and a right one is used again.
func TestAPasswordThatIsWrongNow(t *testing.T) {
	own := withPasswords(t)
	m := mount(t, own.DSN("user=app search_path=app password=first-secret"))
	s := m.open(t)
	m.write(t, own.DSN("user=app search_path=app password=hunter2"))
	must(t, own.Exec(t.Context(), "", endAll))
	testenv.Eventually(t, "the connections are gone", func() bool { return renewed(t, s) != nil })
	unavailable(t, "a write", renewed(t, s), oauth.StorageRefused)
	if said := reports(t, s, oauth.StorageRefused); strings.Contains(said, "hunter2") || !strings.Contains(said, "password authentication failed") {
		t.Errorf("message %q", said)
	}
	m.write(t, own.DSN("user=app search_path=app password=first-secret"))
	must(t, renewed(t, s))
	reports(t, s, oauth.StorageAvailable)
}

// TestOpenGivesUp after the time that it is to wait, and says what it waited for.
func TestOpenGivesUp(t *testing.T) {
	began := time.Now()
	_, err := Open(t.Context(), Options{DSN: server.DSN("port=1 password=hunter2"), Now: time.Now, Wait: 1200 * time.Millisecond})
	if took := time.Since(began); took < time.Second {
		t.Errorf("it gave up after %s", took)
	}
	if stateOf(err) != oauth.StorageUnreachable || !strings.Contains(err.Error(), "within 1.2s") || !strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}
