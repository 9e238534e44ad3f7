// Command stack runs the whole product on loopback, for people: a control
// plane, the operator and the authorization server.
//
//	stack demo   applies the samples, gets and verifies a token, stops everything
//	stack dev    leaves it running until Ctrl-C
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

func run(ctx context.Context, cancel context.CancelCauseFunc, args []string) int {
	commands := map[string]func(context.Context, context.CancelCauseFunc, *stack.Reporter) error{"demo": demo, "dev": dev}
	if len(args) != 1 || commands[args[0]] == nil {
		fmt.Fprintln(os.Stderr, "usage: stack demo|dev")
		return 2
	}
	err := commands[args[0]](ctx, cancel, &stack.Reporter{Out: os.Stdout, Now: time.Now})
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
