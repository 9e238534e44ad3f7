package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// defaultMaxConns of the pool where the connection string has no pool_max_conns.
// A connection is held for a statement, not for a request; pgxpool's own default
// goes by the CPUs of this machine, which do not do the work.
const defaultMaxConns = 16

// A server that vanished without a word (its machine lost power, its address
// moved to a standby) is noticed within half a minute, whether the connection is
// idle or waits for an answer. Otherwise a replica that could go on with the
// standby would hang on dead connections, for a quarter of an hour by default.
const (
	dialTimeout = 10 * time.Second
	// With TLS and authentication, where the string has no connect_timeout. A server that
	// hangs takes connections, and does not answer: then another host may.
	connectTimeout = 2 * time.Minute
	hostTimeout    = 10 * time.Second // where there are several hosts
	userTimeout    = 20 * time.Second // TCP_USER_TIMEOUT: data sent and not acknowledged
)

var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// parse a connection string and add what it leaves open.
func parse(dsn string) (*pgxpool.Config, error) {
	if dsn == "" {
		return nil, errNoDSN
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, misread(err)
	}
	// pgxpool does not tell whether it was set.
	if bare, err := pgconn.ParseConfig(dsn); err == nil && bare.RuntimeParams["pool_max_conns"] == "" {
		config.MaxConns = defaultMaxConns
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive, Control: limitUnacknowledged}
	if d := config.ConnConfig.ConnectTimeout; d > 0 {
		dialer.Timeout = d
	}
	config.ConnConfig.DialFunc = dialer.DialContext
	if config.ConnConfig.ConnectTimeout <= 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
		if len(addresses(config.ConnConfig)) > 1 {
			config.ConnConfig.ConnectTimeout = hostTimeout
		}
	}
	return config, nil
}

// absent says that an error of connecting is one that time heals: nobody answers
// at that address, or a server that is starting, stopping, full, or no primary
// (yet). A wrong password, database or certificate is not, nor one without TLS that is
// to have it.
func absent(err error) bool {
	connecting, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return false
	}
	if untrusted(connecting) || refusedTLS(connecting) {
		return false
	}
	switch code := state(connecting); {
	case code == "":
		return true
	default: // connection exceptions, no resources, operator intervention (starting up)
		return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53") || strings.HasPrefix(code, "57P")
	}
}

// Between attempts to reach a database that is absent.
const (
	absentBackoffMin = 500 * time.Millisecond
	absentBackoffMax = 5 * time.Second
)

// dial a connection beside the pool.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	config := s.target.current()
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, advised(withoutPassword(err, config), config)
}

// connect to the database; if it is absent and o.Wait, when it is there.
func (s *Store) connect(ctx context.Context, wait bool) (*pgx.Conn, error) {
	for backoff := absentBackoffMin; ; backoff = min(2*backoff, absentBackoffMax) {
		s.target.look(ctx)
		conn, err := s.dial(ctx)
		if err == nil {
			return conn, nil
		}
		if !wait || !absent(err) || ctx.Err() != nil {
			return nil, err
		}
		s.log.Warn("the database cannot be reached; waiting for it", "database", s.target.where(),
			"error", err, "again_in", backoff)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
