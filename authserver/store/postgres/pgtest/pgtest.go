// Package pgtest starts a real PostgreSQL for tests and benchmarks: one server, in
// a directory of its own, reachable over a Unix socket only unless StartTCP starts it;
// and standbys, of those who want them.
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
	bin      string              // where its programs are
	as       *syscall.Credential // that they run as; nil: as this process
	dir      string              // its sockets, log and, in data, what it keeps
	port     uint16
	settings []string
	cmd      *exec.Cmd // nil: it is not running
	ended    chan error
	schema   atomic.Int64
}

// patient is far longer than anything takes that works, also on a machine under load.
const patient = 3 * time.Minute

// defaultPort is that of the socket's name; over TCP nobody listens there.
const defaultPort = 5432

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
	return initialize(ctx, &Server{port: defaultPort, settings: settings})
}

func initialize(ctx context.Context, s *Server) (*Server, error) {
	return start(ctx, s, "initdb", "-D", "data", "-U", superuser, "--auth=trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
}

// start s in a directory of its own, which a program fills first.
func start(ctx context.Context, s *Server, program string, args ...string) (_ *Server, err error) {
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.as, err = account(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil { // short: a socket's path has 107 bytes at most
		return nil, err
	}
	if err := s.fill(ctx, program, args); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) fill(ctx context.Context, program string, args []string) error {
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return err
		}
	}
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return s.Begin(ctx)
}

// postgres is the program with its settings.
func (s *Server) postgres() *exec.Cmd {
	args := []string{"-D", "data"}
	for _, setting := range slices.Concat([]string{
		"listen_addresses=", "port=" + strconv.Itoa(int(s.port)), "unix_socket_directories=" + s.dir, "unix_socket_permissions=0700",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
		"max_connections=200", "shared_buffers=32MB", "autovacuum=off",
	}, s.settings) {
		args = append(args, "-c", setting)
	}
	return s.command("postgres", args...)
}

// Begin the server again after End or Kill, with what it kept.
func (s *Server) Begin(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	cmd := s.postgres()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.ended = cmd, make(chan error, 1)
	go func() { s.ended <- cmd.Wait() }()
	return s.ready(ctx)
}

// command as another user, in the server's directory (the present one may be
// closed to that user), with nothing of this process's PG* settings.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = attributes(s.as)
	return cmd
}

// ready waits for the first connection.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patient)
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
			s.cmd = nil
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
	address := "host=" + s.dir
	if s.port != defaultPort {
		address += " port=" + strconv.Itoa(int(s.port))
	}
	return dsn(address, parameters)
}

func dsn(address, parameters string) string {
	return fmt.Sprintf("%s user=%s dbname=postgres sslmode=disable %s", address, superuser, parameters)
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
func (s *Server) End() error { return s.end(syscall.SIGINT) } // "fast": the connections are ended

// Kill is End without a checkpoint or a last word to a standby, as a crash is.
func (s *Server) Kill() error { return s.end(syscall.SIGQUIT) } // "immediate"

func (s *Server) end(how syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	process := s.cmd.Process
	s.cmd = nil
	if err := process.Signal(how); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(patient):
		return errors.Join(fmt.Errorf("PostgreSQL did not end within %v", patient), process.Kill())
	}
}

// Stop the server, if it runs, and remove what it kept.
func (s *Server) Stop() error { return errors.Join(s.End(), os.RemoveAll(s.dir)) }
