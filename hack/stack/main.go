// Command stack runs the whole product on loopback, for people: a control
// plane, the operator and the authorization server.
//
//	stack demo   applies the samples, gets and verifies the tokens of a machine and of
//	             a user, stops everything
//	stack dev    leaves it running until Ctrl-C
//
// At a terminal the demo waits for somebody to sign in; with --unattended, where CI
// is set, or without a terminal it plays the user itself.
//
// STORAGE=postgres gives the authorization server a PostgreSQL, which is thrown away
// at the end, instead of SQLite.
//
// `make demo` and `make dev` build what it needs and run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"clientele.dev/clientele/hack/internal/stack"
)

// errInterrupted is why the context ends on Ctrl-C and SIGTERM.
var errInterrupted = errors.New("interrupted")

// exitInterrupted is what a shell reports for a program that Ctrl-C ended.
const exitInterrupted = 130

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	// The handler stays for good: a second Ctrl-C must not end this process
	// while it is still stopping the others.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for range signals {
			cancel(errInterrupted)
		}
	}()
	os.Exit(run(ctx, cancel, os.Args[1:]))
}

// options are what a command runs with.
type options struct {
	report     *stack.Reporter
	unattended bool
	postgres   bool
}

type command func(context.Context, context.CancelCauseFunc, options) error

func run(ctx context.Context, cancel context.CancelCauseFunc, args []string) int {
	o := options{report: &stack.Reporter{Out: os.Stdout, Now: time.Now}}
	if len(args) == 2 && args[0] == "demo" && args[1] == "--unattended" {
		o.unattended, args = true, args[:1]
	}
	commands := map[string]command{"demo": demo, "dev": dev}
	if len(args) != 1 || commands[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: stack demo [--unattended]|dev")
		return 2
	}
	switch storage := os.Getenv("STORAGE"); storage {
	case "", "embedded":
	case "postgres":
		o.postgres = true
	default:
		fmt.Fprintf(os.Stderr, "STORAGE=%s: want embedded or postgres\n", storage)
		return 2
	}
	err := commands[args[0]](ctx, cancel, o)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[0], err)
		return exitInterrupted
	default:
		fmt.Fprintf(os.Stderr, "%s: %v\n", args[0], err)
		return 1
	}
}
