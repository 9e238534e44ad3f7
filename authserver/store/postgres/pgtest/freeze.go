package pgtest

import (
	"context"
	"errors"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Freeze the server, as a machine does that hangs: connections are taken, and nobody
// answers. End and Kill thaw it.
func (s *Server) Freeze(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN(""))
	if err != nil {
		return err
	}
	defer conn.PgConn().Conn().Close() //nolint:errcheck // nobody is there to say farewell to
	// The parent first: then no process is added.
	if err := s.freeze(s.PID()); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity ORDER BY pid = pg_backend_pid()`)
	if err != nil {
		return err
	}
	workers, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	for _, pid := range workers {
		err = errors.Join(err, s.freeze(pid))
	}
	return err
}

func (s *Server) freeze(pid int) error {
	s.frozen = append(s.frozen, pid)
	return signal(pid, syscall.SIGSTOP)
}

func (s *Server) thaw() (err error) {
	for _, pid := range s.frozen {
		err = errors.Join(err, signal(pid, syscall.SIGCONT))
	}
	s.frozen = nil
	return err
}

// signal a worker, which may have ended.
func signal(pid int, what syscall.Signal) error {
	if err := syscall.Kill(pid, what); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
