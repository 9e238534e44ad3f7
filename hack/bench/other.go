package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Lengths of one round.
const (
	loadRun    = 2 * time.Second
	ceilingRun = 1500 * time.Millisecond
)

// self is this program's other half with one core: a ceiling, or a server under
// load. It runs until it is done, or until ctx ends.
func self(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"other"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	return cmd
}

// number runs an other half that prints a speed.
func number(ctx context.Context, args ...string) (speed, error) {
	out, err := self(ctx, args...).Output()
	if err != nil {
		return speed{}, fmt.Errorf("measure the ceiling of %s: %w", args[0], err)
	}
	var s speed
	_, err = fmt.Sscan(string(out), &s.perSecond, (*int64)(&s.cpu))
	return s, err
}

// bareSignature is signCeiling.
func bareSignature(algorithm string, times float64) ceiling {
	return ceiling{"bare signature", times, func(ctx context.Context) (speed, error) {
		return number(ctx, "sign", algorithm, ceilingRun.String())
	}}
}

// constantAnswer is httpCeiling under the same load.
func constantAnswer(req request, size, connections int, times float64) ceiling {
	return ceiling{"constant answer", times, func(ctx context.Context) (speed, error) {
		return ceilingOfHTTP(ctx, req, size, connections)
	}}
}

func ceilingOfHTTP(ctx context.Context, req request, size, connections int) (s speed, err error) {
	server, addr, err := begin(ctx, "http", strconv.Itoa(size))
	if err != nil {
		return s, err
	}
	defer server.end()
	got, cpu, err := loadFor(ctx, ceilingRun, server.pid(), strings.TrimSpace(addr), repeat(req, connections))
	if err != nil {
		return s, err
	}
	return speed{got.perSecond(), cpu / time.Duration(got.operations)}, nil
}

// loadOf puts load on a server and also returns the CPU time it took.
func loadOf(ctx context.Context, pid int, addr string, users []user) (loadResult, time.Duration, error) {
	return loadFor(ctx, loadRun, pid, addr, users)
}

func loadFor(ctx context.Context, d time.Duration, pid int, addr string, users []user) (r loadResult, cpu time.Duration, err error) {
	before, err := cpuTime(pid)
	if err != nil {
		return r, 0, err
	}
	if r, err = load(ctx, addr, users, d); err != nil {
		return r, 0, err
	}
	after, err := cpuTime(pid)
	return r, after - before, err
}

// half is an other half that serves until it is ended.
type half struct {
	cmd *exec.Cmd
	in  io.Closer
}

// begin an other half that serves, and read the line it prints when it does. It
// ends when its standard input does, and so never outlives this process.
func begin(ctx context.Context, args ...string) (*half, string, error) {
	h := &half{cmd: self(ctx, args...)}
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, "", err
	}
	h.in = in
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		h.end()
		return nil, "", fmt.Errorf("%s did not begin: %w", args[0], err)
	}
	return h, line, nil
}

func (h *half) pid() int { return h.cmd.Process.Pid }

// end it, and wait for that.
func (h *half) end() {
	_ = h.in.Close()
	_ = h.cmd.Wait() // what it had to say it wrote to the standard error
}

// other is main of the other half.
func other(name string, args []string) error {
	switch {
	case name == "sign" && len(args) == 2:
		d, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return signCeiling(args[0], d)
	case name == "http" && len(args) == 1:
		return httpCeiling(args[0])
	case name == "store" && len(args) == 3:
		d, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return storeCeiling(storage(args[0]), args[1], d)
	case name == "serve" && len(args) == 2:
		replicas, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return serve(storage(args[0]), replicas)
	}
	return fmt.Errorf("unknown half %s %v", name, args)
}
