package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// Options of a Store. DSN and Now are required.
type Options struct {
	// DSN is the connection string, as URL or in key=value words (libpq's, and
	// pool_max_conns, 16 by default, and its like of pgxpool). It holds a password: read it from a
	// file, and never log it. search_path chooses the schema.
	DSN string
	Now func() time.Time
	// Poll is how often Await looks by itself. Default: 1 s.
	Poll time.Duration
	// Linger is how long Await waits at most. Default: 2 s.
	Linger time.Duration
	// Wait for a database that cannot be reached, or is starting, instead of
	// failing. Log is told.
	Wait bool
	// Log is told when listening fails and works again. Default: nobody.
	Log *slog.Logger
}

// Store is a store.Store in a PostgreSQL schema.
type Store struct {
	*sqlstore.Roles
	db     *database
	config *pgx.ConnConfig // of the listening connection
	now    func() time.Time
	log    *slog.Logger

	waiter   *sqlstore.Waiter
	stop     context.CancelFunc // ends listening
	listener sync.WaitGroup
}

var _ store.Store = (*Store)(nil)

// errDSN says nothing of what was read: the parser's error may quote the password.
var errDSN = errors.New("the connection string cannot be read: want postgres://user:password@host:5432/database?sslmode=verify-full, " +
	"with what is special percent-encoded, or the same as key=value words")

// Open the store in a database, making its tables or bringing them up to date. A
// schema of a newer version than this binary knows is refused.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Linger <= 0 {
		o.Linger = 2 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db := &database{}
	s := &Store{
		Roles: sqlstore.New(db, dialect, o.Now), db: db, now: o.Now, log: o.Log,
		waiter: sqlstore.NewWaiter(o.Poll, o.Linger),
	}
	config, err := parse(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s.config = config.ConnConfig.Copy()
	if err := s.begin(ctx, config, o.Wait); err != nil {
		return nil, fmt.Errorf("open the store at %s: %w", where(s.config), err)
	}
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.listener.Go(func() { s.listen(listening) })
	return s, nil
}

// begin brings the schema up to date on a connection of its own, and then makes
// the pool, each of whose connections is compared with what the store knows.
func (s *Store) begin(ctx context.Context, config *pgxpool.Config, wait bool) error {
	conn, err := s.connect(ctx, wait)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to lose
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	known, err := s.checkOrigin(ctx, conn)
	if err != nil {
		return err
	}
	if known {
		config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			_, err := s.checkOrigin(ctx, conn)
			return err
		}
	}
	s.db.pool, err = pgxpool.NewWithConfig(ctx, config)
	return err
}

// where the database is, for errors: of several hosts the first.
func where(c *pgx.ConnConfig) string { return fmt.Sprintf("%s:%d/%s", c.Host, c.Port, c.Database) }

// Writes counts the committed write transactions of this Store since it was
// opened. Renewed leases are among them.
func (s *Store) Writes() int64 { return s.db.writes.Load() }

// Await implements store.Feed: a notification wakes it at once, whichever replica
// made the change, and the poll interval where none comes through.
func (s *Store) Await(ctx context.Context, since int64) error {
	return s.waiter.Await(ctx, s.db, since)
}

// Close the store. Who waits in Await is woken.
func (s *Store) Close() error {
	s.stop()
	s.listener.Wait()
	s.waiter.Close()
	s.db.pool.Close()
	return nil
}
