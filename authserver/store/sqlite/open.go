package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

const (
	fileName = "clientele.db"
	// lockName is the file that a process locks which has the store open. The database
	// file itself is not locked, so that another tool can read it, and make a backup.
	lockName = "clientele.lock"
	// readers is enough: no machine token needs to read, and what a person's needs
	// is found in microseconds.
	readers = 4
	// busyTimeout in milliseconds, for a lock that another process holds (somebody
	// with the sqlite3 tool, a backup).
	busyTimeout = "busy_timeout(5000)"
)

// errLocked: another process, or another Store of this one, has the directory.
var errLocked = errors.New("another clientele server uses this directory, and only one can: stop it, or name another directory (--data-dir)")

// Options of a Store. Dir and Now are required.
type Options struct {
	// Dir is the data directory. It is made with mode 0700 if it is not there; the
	// database file in it has mode 0600.
	Dir string
	Now func() time.Time
	// Poll is how often Await looks for writes of other processes. Default: 500 ms.
	Poll time.Duration
	// Linger is how long Await waits at most. Default: 2 s.
	Linger time.Duration
}

// Store is a store.Store in a SQLite file.
type Store struct {
	*sqlstore.Roles
	leases
	db     *database
	unlock func() error
}

var _ store.Store = (*Store)(nil)

// Open the store in a directory, which no other process may have open, making it or bringing its schema up to date. One
// that only newer versions can use is refused (store.ErrTooNew).
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Poll <= 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Linger <= 0 {
		o.Linger = 2 * time.Second
	}
	db := &database{waiter: sqlstore.NewWaiter(o.Poll, o.Linger), space: spaceOf}
	db.condition = sqlstore.NewCondition(db.judge, db.explain)
	s := &Store{Roles: sqlstore.New(db, dialect, o.Now), db: db}
	if err := s.begin(ctx, o); err != nil {
		return nil, db.unusable(fmt.Errorf("open the store %s: %w", filepath.Join(o.Dir, fileName), err))
	}
	return s, nil
}

func (s *Store) begin(ctx context.Context, o Options) (err error) {
	if s.db.path, err = prepareFile(o.Dir); err != nil {
		return err
	}
	if s.unlock, err = lock(filepath.Join(s.db.dir(), lockName)); err != nil {
		return err
	}
	if err := s.db.connect(); err != nil {
		return errors.Join(err, s.unlock())
	}
	err = s.db.begin(ctx, o.Now())
	if err == nil {
		err = s.db.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.db.writes.Store(0)
	return nil
}

// prepareFile makes directory and file readable by their owner only; SQLite gives
// the WAL beside it the same mode. A directory that exists is left as it is: a
// mounted volume's belongs to the platform.
func prepareFile(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no data directory is named")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, fileName)
	// Not opened where it exists: closing it would take away the locks that another
	// connection of this process holds on it (POSIX locks are the process's).
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return path, f.Close()
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = os.Chmod(path, 0o600)
	}
	return path, err
}

func (d *database) connect() error {
	var err error
	// Keys are random, so each write touches pages all over the file: a checkpoint
	// (which waits for the disk) every 4,000 pages rather than 1,000, and 16 MiB of
	// pages kept, let one cover many writes.
	d.write, err = sql.Open("sqlite", dsn(d.path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {busyTimeout, "journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(4000)", "cache_size(-16384)", "trusted_schema(OFF)"},
	}))
	if err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	d.read, err = sql.Open("sqlite", dsn(d.path, url.Values{
		"_pragma": {busyTimeout, "query_only(ON)", "trusted_schema(OFF)"},
	}))
	if err != nil {
		return errors.Join(err, d.write.Close())
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	return nil
}

func dsn(path string, parameters url.Values) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}
	return u.String()
}

// begin a life of the store: the schema, and a revision that was never seen
// before, whatever was lost (see the package's documentation).
func (d *database) begin(ctx context.Context, now time.Time) error {
	if err := migrate(ctx, d.write); err != nil {
		return err
	}
	_, err := d.Transact(ctx, func(tx sqlstore.Tx) error {
		const q = `UPDATE meta SET revision = max(revision + 1, $1), floor = max(revision + 1, $1)`
		if _, err := tx.Exec(ctx, q, now.UnixMicro()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM deletions`)
		return err
	})
	return err
}

// Await implements store.Feed: a commit of this process wakes it at once, one of
// another process within the poll interval.
func (s *Store) Await(ctx context.Context, since int64) error {
	return s.db.waiter.Await(ctx, s.db, since)
}

// Writes counts the committed write transactions since the store was opened.
func (s *Store) Writes() int64 { return s.db.writes.Load() }

// Close the store. Who waits in Await is woken.
func (s *Store) Close() error {
	s.db.waiter.Close()
	return errors.Join(s.db.read.Close(), s.db.write.Close(), s.unlock())
}
