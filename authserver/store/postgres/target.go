package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// target is how the store's database is reached.
//
// The connection string is read again for each connection, and so are the files
// that it names (sslrootcert, sslcert, sslkey, passfile): a replaced password, role,
// host or certificate is used without a restart. The database and the parameters,
// among them search_path, stay those of the start: with half the connections in
// another place there would be two stores. A string that names another database or
// other parameters, or that cannot be read, is not used; the one before stays in force.
type target struct {
	text string // the connection string, if there is no file
	file string
	ca   string // Options.CAFile
	log  *slog.Logger

	mu     sync.Mutex
	config *pgxpool.Config // in force
	left   chan struct{}   // closed when the string names other hosts
	unfit  error           // why the string is not used as it is now; nil: it is
	told   string          // the last logged reason for not using a string
}

// errNoDSN: a mistake in the program that opens the store, or in its flags.
var errNoDSN = errors.New("there is no connection string: want a file that holds it")

func newTarget(o Options) (*target, error) {
	t := &target{text: o.DSN, file: o.DSNFile, ca: o.CAFile, log: o.Log, left: make(chan struct{})}
	var err error
	t.config, err = t.read()
	return t, err
}

func (t *target) read() (*pgxpool.Config, error) {
	text := t.text
	if t.file != "" {
		var err error
		if text, err = readDSN(t.file); err != nil {
			return nil, err
		}
	}
	if t.ca == "" {
		return parse(text)
	}
	return parseVerified(text, t.ca)
}

// current is how to connect now, and a channel that is closed when the hosts change.
func (t *target) current() (*pgx.ConnConfig, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	return t.config.ConnConfig.Copy(), t.left
}

// refresh the configuration, if it can be.
func (t *target) refresh() {
	fresh, err := t.read()
	if err == nil {
		err = t.samePlace(fresh)
	}
	t.unfit = err
	if err != nil {
		t.refuse(err)
		return
	}
	t.told = ""
	moved := !slices.Equal(addresses(fresh.ConnConfig), addresses(t.config.ConnConfig))
	t.config = fresh
	if moved {
		t.log.Info("the database has another address now", "database", where(fresh.ConnConfig))
		close(t.left)
		t.left = make(chan struct{})
	}
}

// refuse says so once.
func (t *target) refuse(err error) {
	if t.told == err.Error() {
		return
	}
	t.told = err.Error()
	t.log.Warn("the connection string cannot be used as it is now; the one before stays in force",
		"database", where(t.config.ConnConfig), "error", err)
}

// anotherPlace is where a string leads that needs a restart.
type anotherPlace string

// Error implements error.
func (p anotherPlace) Error() string { return string(p) }

func (t *target) samePlace(fresh *pgxpool.Config) error {
	is, was := fresh.ConnConfig, t.config.ConnConfig
	if is.Database != was.Database {
		return anotherPlace(fmt.Sprintf("it names the database %q, want %q: another one needs a restart", is.Database, was.Database))
	}
	if !maps.Equal(is.RuntimeParams, was.RuntimeParams) {
		return anotherPlace("its parameters, such as search_path, are others than at the start: they need a restart")
	}
	return nil
}

// look at the string, though no connection is to be made: why it is not used as it is
// now, and whether it would be after a restart.
func (t *target) look() (elsewhere bool, unfit error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	_, elsewhere = errors.AsType[anotherPlace](t.unfit)
	return elsewhere, t.unfit
}

// pool is the configuration that the pool begins with.
func (t *target) pool() *pgxpool.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.Copy()
}

// leaves is closed when the connection string names other hosts.
func (t *target) leaves() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left
}

// where the database is, for errors: of several hosts the first.
func (t *target) where() string { return where(t.now()) }

// now is the configuration in force. It must not be changed.
func (t *target) now() *pgx.ConnConfig {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.ConnConfig
}

func where(c *pgx.ConnConfig) string { return address(c.Host, c.Port) + "/" + c.Database }

func addresses(c *pgx.ConnConfig) (all []string) {
	first := &pgconn.FallbackConfig{Host: c.Host, Port: c.Port}
	for _, way := range append([]*pgconn.FallbackConfig{first}, c.Fallbacks...) {
		all = append(all, address(way.Host, way.Port))
	}
	return slices.Compact(all) // with and without TLS
}

func address(host string, port uint16) string { return fmt.Sprintf("%s:%d", host, port) }
