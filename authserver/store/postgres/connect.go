package postgres

import (
	"context"
	"errors"
	"fmt"
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

// Dead connections to a server that vanished (its machine lost power, its address
// moved to a standby) are closed within half a minute, idle or not. The kernel's
// default is a quarter of an hour.
const (
	dialTimeout = 10 * time.Second
	// With TLS and authentication, unless the string has connect_timeout.
	connectTimeout = 2 * time.Minute
	hostTimeout    = 10 * time.Second // per host, if there are several: the next one may answer
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
	// As target_session_attrs=read-write, whatever the string says: the store writes, and
	// on a standby it would miss changes.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
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
// The channel is closed when the hosts change.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, <-chan struct{}, error) {
	config, left := s.target.current()
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, left, advised(withoutPassword(err, config), config)
}

// connect to the database; if it is absent, as soon as it is there, within wait.
func (s *Store) connect(ctx context.Context, wait time.Duration) (*pgx.Conn, error) {
	if wait <= 0 {
		conn, _, err := s.dial(ctx)
		return conn, err
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var last error
	for backoff := absentBackoffMin; ; backoff = min(2*backoff, absentBackoffMax) {
		conn, _, err := s.dial(waiting)
		if err == nil {
			return conn, nil
		}
		if waiting.Err() == nil || last == nil { // where the time ran out, the error before says more
			last = err
		}
		if waiting.Err() == nil {
			if !absent(err) {
				return nil, err
			}
			s.log.Warn("the database cannot be reached; waiting for it", "database", s.target.where(),
				"error", err, "again_in", backoff)
			pause(waiting, backoff)
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case waiting.Err() != nil:
			return nil, fmt.Errorf("the database could not be reached within %s: %w", wait, last)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
