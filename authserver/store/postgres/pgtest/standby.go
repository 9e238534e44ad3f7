package pgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby starts a server that follows this one by streaming replication. It is to
// be stopped like any other.
func (s *Server) Standby(ctx context.Context, settings ...string) (*Server, error) {
	return start(ctx, &Server{port: defaultPort, settings: settings}, "pg_basebackup", "-d", s.DSN(""), "-D", "data", "-R",
		"--checkpoint=fast", "--no-sync")
}

// DSN is Server.DSN for several servers of which one is the primary, in the order in
// which they are tried. None of them is of StartTCP.
func DSN(parameters string, all ...*Server) string {
	var hosts []string
	for _, s := range all {
		hosts = append(hosts, s.dir)
	}
	return dsn("host="+strings.Join(hosts, ","), parameters)
}

// CatchUp waits until a standby has what its primary has written so far.
func (s *Server) CatchUp(ctx context.Context, primary *Server) error {
	written, err := primary.ask(ctx, `SELECT pg_current_wal_insert_lsn()::text`)
	if err != nil {
		return err
	}
	return s.until(ctx, `SELECT (pg_last_wal_replay_lsn() >= '`+written+`')::text`)
}

// Lag ends a standby's replication: what its primary writes from now on is not there.
func (s *Server) Lag(ctx context.Context) error {
	if err := errors.Join(s.set(ctx, "primary_conninfo", ""), s.reload(ctx)); err != nil {
		return err
	}
	return s.until(ctx, `SELECT (count(*) = 0)::text FROM pg_stat_wal_receiver`)
}

// Promote makes a primary of a standby; it is one when this returns.
func (s *Server) Promote(ctx context.Context) error {
	promoted, err := s.ask(ctx, `SELECT pg_promote(true, 180)::text`)
	if err == nil && promoted != "true" {
		err = errors.New("PostgreSQL was not promoted within 180 s")
	}
	return err
}

// until a statement's one value is true.
func (s *Server) until(ctx context.Context, query string) error {
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if is, err := s.ask(ctx, query); err != nil || is == "true" {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", query, ctx.Err())
		}
	}
}

// ask for the one value of a statement.
func (s *Server) ask(ctx context.Context, query string) (value string, err error) {
	conn, err := pgx.Connect(ctx, s.DSN(""))
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to lose
	err = conn.QueryRow(ctx, query).Scan(&value)
	return value, err
}
