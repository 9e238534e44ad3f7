package sqlite

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// openIn is the directory that this test binary opens a store in, and no more: a second
// process. It prints what came of it.
const openIn = "CLIENTELE_TEST_OPEN_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(openIn); dir != "" {
		secondProcess(dir)
		return
	}
	os.Exit(m.Run())
}

func secondProcess(dir string) {
	s, err := Open(context.Background(), Options{Dir: dir, Now: time.Now})
	if err != nil {
		os.Stdout.WriteString(string(stateOf(err)) + ": " + err.Error())
		return
	}
	os.Stdout.WriteString("opened")
	_ = s.Close()
}

// stateOf what a failure of the storage says; "": it is none.
func stateOf(err error) oauth.StorageState {
	if failed, ok := errors.AsType[*store.StorageError](err); ok {
		return failed.State
	}
	return ""
}

// TestOneProcessUsesTheDirectory: a second one is refused until the first ends, however
// it ends; the first goes on. Other tools can read the file.
func TestOneProcessUsesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	bind(t, s)
	const refused = "Refused: open the store "
	if said := opened(t, dir); !strings.HasPrefix(said, refused) || !strings.Contains(said, errLocked.Error()) || !strings.Contains(said, dir) {
		t.Errorf("a second process: %q, want %q", said, errLocked)
	}
	if _, err := Open(t.Context(), Options{Dir: dir, Now: time.Now}); stateOf(err) != oauth.StorageRefused {
		t.Errorf("a second store of this process: %v", err)
	}
	put(t, s, func() {})
	if err := byHand(t, dir, `SELECT count(*) FROM clients`); err != nil {
		t.Errorf("a tool that reads: %v", err)
	}
	closed(t, s)
	if said := opened(t, dir); said != "opened" {
		t.Errorf("after the first: %q", said)
	}
	closed(t, open(t, dir))
}

// opened is what a second process says of a directory.
func opened(t *testing.T, dir string) string {
	t.Helper()
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), openIn+"="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func reports(t *testing.T, s *Store, want oauth.StorageState) (message string) {
	t.Helper()
	report := s.Examine(t.Context())
	if report.State != want || (report.Message == "") != (want == oauth.StorageAvailable) {
		t.Errorf("reported %+v, want %s", report, want)
	}
	return report.Message
}

// TestAFullFileCanBeRead, and is written again when there is space. SQLite itself refuses
// to let the file grow, with the error that it has for a full disk.
func TestAFullFileCanBeRead(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	bind(t, s)
	put(t, s, func() {})
	reports(t, s, oauth.StorageAvailable)
	limit(t, s, `page_count`)
	full := s.PutFamily(t.Context(), store.Family{ID: strings.Repeat("f", 100_000), Expires: time.Now().Add(time.Hour)})
	if oauth.CodeOf(full) != oauth.CodeTemporarilyUnavailable || stateOf(full) != oauth.StorageFull {
		t.Errorf("a write: %v, want it unavailable and full", full)
	}
	if _, err := s.Client(t.Context(), "a"); err != nil {
		t.Errorf("a read: %v", err)
	}
	if said := s.db.condition.Failing(); said == nil || said.State != oauth.StorageFull || !strings.Contains(said.Message, "enlarge") || !strings.Contains(said.Message, s.db.path) {
		t.Errorf("failing %+v", said)
	}
	if err := s.RenewLease(t.Context(), oauth.Replica{ID: "r", LeaseExpires: time.Now().Unix() + 30}); err != nil {
		t.Errorf("the lease: %v", err)
	}
	limit(t, s, `1000000`)
	reports(t, s, oauth.StorageAvailable) // it tries again by itself
	put(t, s, func() {})
}

// limit the pages of the file; page_count: to those that it has.
func limit(t *testing.T, s *Store, pages string) {
	t.Helper()
	if pages == `page_count` {
		if err := s.db.write.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.write.ExecContext(t.Context(), `PRAGMA max_page_count = `+pages); err != nil {
		t.Fatal(err)
	}
}

// TestALittleSpaceIsReported before it is none.
func TestALittleSpaceIsReported(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	const mib = 1 << 20
	for _, test := range []struct {
		free, total uint64
		want        oauth.StorageState
	}{
		{103 * mib, 1024 * mib, oauth.StorageAvailable},
		{102 * mib, 1024 * mib, oauth.StorageAlmostFull},
		{mib, 1024 * mib, oauth.StorageAlmostFull},
		{mib - 1, 1024 * mib, oauth.StorageFull},
		{1024 * mib, 1 << 42, oauth.StorageAvailable},
		{1023 * mib, 1 << 42, oauth.StorageAlmostFull},
	} {
		s.db.space = func(dir string) (space, bool) { return space{test.free, test.total}, dir == s.db.dir() }
		said := reports(t, s, test.want)
		if test.total == 1024*mib && test.want == oauth.StorageAlmostFull && !strings.Contains(said, "less than 102 MiB of 1024 MiB") {
			t.Errorf("message %q", said)
		}
	}
	s.db.space = func(string) (space, bool) { return space{}, false }
	reports(t, s, oauth.StorageAvailable)
	if here, known := spaceOf(t.TempDir()); known && (here.total == 0 || here.free > here.total) {
		t.Errorf("space here: %+v", here)
	}
}

// TestWhyADirectoryIsOfNoUse is a state, for what is answered to it.
func TestWhyADirectoryIsOfNoUse(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir))
	if err := byHand(t, dir, `PRAGMA user_version = 999`); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]oauth.StorageState{dir: oauth.StorageSchemaTooNew, file: oauth.StorageRefused, "": oauth.StorageRefused} {
		if _, err := Open(t.Context(), Options{Dir: where, Now: time.Now}); stateOf(err) != want {
			t.Errorf("%s: %q, %v, want %q", where, stateOf(err), err, want)
		}
	}
}
