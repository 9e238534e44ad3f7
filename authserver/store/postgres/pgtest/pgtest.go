// Package pgtest starts a real PostgreSQL for tests and benchmarks: one server, in
// a directory of its own, reachable over a Unix socket only.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser of the server. Others are for tests to make.
const superuser = "clientele"

// Server is a running PostgreSQL.
type Server struct {
	dir    string
	launch func() *exec.Cmd
	cmd    *exec.Cmd
	ended  chan error
	schema atomic.Int64
}

// Durable are the settings for Start with which the server keeps its promises, as
// PostgreSQL does unless told otherwise: what was committed is on the disk. For
// whoever measures.
func Durable() []string {
	return []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB"}
}

// Start a server with an empty database. Nothing is forced to the disk, unless
// settings ("fsync=on") say otherwise; see Durable. Stop it when done; on Linux it
// ends with this process, however that ends.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg") // short: a socket's path has 107 bytes at most
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, ended: make(chan error, 1)}
	if err := s.start(ctx, bin, as, settings); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, bin string, as *syscall.Credential, settings []string) error {
	if as != nil {
		if err := os.Chown(s.dir, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(s.dir, "data")
	initdb := s.command(as, filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "--auth=trust", "-E", "UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	args := []string{"-D", data}
	for _, setting := range slices.Concat([]string{
		"listen_addresses=", "unix_socket_directories=" + s.dir, "unix_socket_permissions=0700",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"max_connections=200", "shared_buffers=32MB", "autovacuum=off",
	}, settings) {
		args = append(args, "-c", setting)
	}
	s.launch = func() *exec.Cmd { return s.command(as, filepath.Join(bin, "postgres"), args...) }
	return s.Begin(ctx)
}

// Begin the server again after End, with what it kept.
func (s *Server) Begin(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	s.cmd = s.launch()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s.ready(ctx)
}

// command as another user, in the server's directory (the present one may be
// closed to that user), with nothing of this process's PG* settings.
func (s *Server) command(as *syscall.Credential, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(as)
	return cmd
}

// ready waits for the first connection.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.DSN(""))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case err := <-s.ended:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("it ended: %w: %s", err, log)
		case <-ctx.Done():
			return errors.Join(err, s.Stop())
		}
	}
}

// DSN is a connection string for the superuser, with what parameters add to it,
// "search_path=x pool_max_conns=8".
func (s *Server) DSN(parameters string) string {
	return fmt.Sprintf("host=%s user=%s database=postgres sslmode=disable %s", s.dir, superuser, parameters)
}

// PID of the server; its workers are children of that process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Schema makes an empty schema and returns its name and the parameter for DSN that
// leads there: a store of its own for each test.
func (s *Server) Schema(ctx context.Context) (name, parameter string, err error) {
	name = "test_" + strconv.FormatInt(s.schema.Add(1), 10)
	return name, "search_path=" + name, s.Exec(ctx, "", "CREATE SCHEMA "+name)
}

// Exec carries out statements on a connection of their own, as psql does.
func (s *Server) Exec(ctx context.Context, parameters, statements string) error {
	conn, err := pgx.Connect(ctx, s.DSN(parameters))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to lose
	_, err = conn.Exec(ctx, statements)
	return err
}

// End the server by its process id, and keep what it has: an outage. Who is
// connected is cut off.
func (s *Server) End() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil { // "fast": the connections are ended
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(20 * time.Second):
		return errors.Join(errors.New("PostgreSQL did not end within 20 s"), s.cmd.Process.Kill())
	}
}

// Stop the server and remove what it kept.
func (s *Server) Stop() error { return errors.Join(s.End(), os.RemoveAll(s.dir)) }
