package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// Options of a Store. DSNFile, or DSN, and Now are required.
type Options struct {
	// DSNFile holds the connection string on one line, such as a mounted Secret. It is
	// read again for each new connection: user, password, hosts and what is said of TLS
	// are those of the file as it is then. Where it names another database, or other
	// parameters (search_path), or cannot be read, it is not used, Log is told, and
	// the one before stays in force. What is said of the pool counts at opening.
	DSNFile string
	// CAFile holds the certificates (PEM) of the authorities that may have issued the
	// server's, in place of the connection string's sslrootcert. It is read again for each
	// new connection. sslmode is then verify-full, unless the string says require, which is
	// verify-ca with it, or verify-ca; a string that says less is not used.
	CAFile string
	// DSN is the connection string itself, for those that have no secret, if there is
	// no DSNFile: as URL or in key=value words (libpq's, and pool_max_conns, 16 by
	// default, and its like of pgxpool). search_path chooses the schema.
	DSN string
	Now func() time.Time
	// Poll is how often Await looks by itself. Default: 1 s.
	Poll time.Duration
	// Linger is how long Await waits at most. Default: 2 s.
	Linger time.Duration
	// Wait is how long Open waits for a database that cannot be reached, or is starting,
	// before it fails. Log is told.
	Wait time.Duration
	// Log is told when listening fails and works again. Default: nobody.
	Log *slog.Logger
}

// Store is a store.Store in a PostgreSQL schema.
type Store struct {
	*sqlstore.Roles
	db     *database
	target *target
	schema string // of the tables
	system string // the identifier of the cluster of databases; "": the role may not read it
	now    func() time.Time
	log    *slog.Logger

	waiter   *sqlstore.Waiter
	stop     context.CancelFunc // ends listening
	stopping sync.WaitGroup
}

var _ store.Store = (*Store)(nil)

// Open the store in a database, making its tables or bringing them up to date. A
// schema that only newer versions can use is refused (store.ErrTooNew).
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
	db.condition = sqlstore.NewCondition(judge, s.explain)
	var err error
	if s.target, err = newTarget(o); err != nil {
		return nil, unusable(fmt.Errorf("open the store: %w", err))
	}
	left := s.target.leaves()
	if err := s.begin(ctx, o.Wait); err != nil {
		return nil, unusable(fmt.Errorf("open the store at %s: %w", s.target.where(), err))
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.stopping.Go(func() { s.listen(running) })
	s.stopping.Go(func() { s.follow(running, left) })
	return s, nil
}

// begin brings the schema up to date on a connection of its own, and then makes
// the pool, each of whose connections is compared with what the store knows.
func (s *Store) begin(ctx context.Context, wait time.Duration) error {
	conn, err := s.connect(ctx, wait)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to lose
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	c, err := contentOf(ctx, conn)
	if err != nil {
		return err
	}
	s.schema, s.system = c.schema, c.system
	if err := s.compare(ctx, conn, c); err != nil {
		return err
	}
	config := s.target.pool()
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		current, _ := s.target.current()
		*c = *current
		return nil
	}
	config.AfterConnect = s.check
	s.db.pool, err = pgxpool.NewWithConfig(ctx, config)
	return err
}

// check that a new connection of the pool leads to the store that was opened: the same
// cluster of databases and the same schema ("$user" in the search path is another schema
// for another role). Its content may still be another, after a fail-over.
func (s *Store) check(ctx context.Context, conn *pgx.Conn) error {
	c, err := contentOf(ctx, conn)
	switch {
	case err != nil:
		return err
	case c.schema != s.schema:
		return elsewhereError{fmt.Errorf("a connection finds the tables of schema %s, want %s: the role has another search_path", c.schema, s.schema)}
	case c.system == "" || s.system == "":
		return nil
	case c.system != s.system:
		return elsewhereError{fmt.Errorf("this server belongs to another cluster (system identifier %s), want %s: another cluster needs a restart", c.system, s.system)}
	}
	return s.compare(ctx, conn, c)
}

// follow resets the pool when the connection string names other hosts. left is that of
// target.leaves before the pool was made.
func (s *Store) follow(ctx context.Context, left <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-left:
			left = s.target.leaves()
			s.db.pool.Reset()
		}
	}
}

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
	s.stopping.Wait()
	s.waiter.Close()
	s.db.pool.Close()
	return nil
}
