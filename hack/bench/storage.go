package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/sqlite"
)

// storage says where a store is: "sqlite:" and a directory, or "postgres:" and a
// connection string.
type storage string

func (s storage) open(ctx context.Context) (store.Store, error) {
	kind, where, _ := strings.Cut(string(s), ":")
	switch kind {
	case "sqlite":
		return sqlite.Open(ctx, sqlite.Options{Dir: where, Now: time.Now})
	case "postgres":
		return postgres.Open(ctx, postgres.Options{DSN: where, Now: time.Now})
	}
	return nil, fmt.Errorf("no storage %q", kind)
}

// backend makes empty storages of one kind.
type backend struct {
	name string
	make func(ctx context.Context) (storage, error)
	// pid of the database server; 0: there is none.
	pid  int
	stop func() error
}

// sqliteBackend keeps its files in a directory of its own.
func sqliteBackend() (*backend, error) {
	dir, err := os.MkdirTemp("", "clientele-bench-")
	if err != nil {
		return nil, err
	}
	n := 0
	return &backend{
		name: "SQLite",
		make: func(context.Context) (storage, error) {
			n++
			return storage("sqlite:" + filepath.Join(dir, fmt.Sprint(n))), nil
		},
		stop: func() error { return os.RemoveAll(dir) },
	}, nil
}

// postgresBackend is a server with what pgtest leaves out for speed: every commit
// waits for the disk.
func postgresBackend(ctx context.Context) (*backend, error) {
	server, err := pgtest.Start(ctx, pgtest.Durable()...)
	if err != nil {
		return nil, err
	}
	return &backend{
		name: "PostgreSQL",
		pid:  server.PID(),
		make: func(ctx context.Context) (storage, error) {
			_, there, err := server.Schema(ctx)
			return storage("postgres:" + server.DSN(there)), err
		},
		stop: server.Stop,
	}, nil
}

// withBackends does something with SQLite and then with PostgreSQL.
func withBackends(ctx context.Context, do func(*backend) error) error {
	sqlite := func(context.Context) (*backend, error) { return sqliteBackend() }
	for _, start := range []func(context.Context) (*backend, error){sqlite, postgresBackend} {
		b, err := start(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(do(b), b.stop()); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}
