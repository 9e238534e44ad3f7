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

// bareCheck is verifyCeiling.
func bareCheck(times float64) ceiling {
	return ceiling{"bare check of a signature", times, func(ctx context.Context) (speed, error) {
		return number(ctx, "verify", ceilingRun.String())
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

// halves are what the other half can be.
var halves = map[string]struct {
	args int
	main func(args []string) error
}{
	"sign": {2, func(args []string) error {
		return during(args[1], func(d time.Duration) error { return signCeiling(args[0], d) })
	}},
	"verify": {1, func(args []string) error { return during(args[0], verifyCeiling) }},
	"store": {3, func(args []string) error {
		return during(args[2], func(d time.Duration) error { return storeCeiling(storage(args[0]), args[1], d) })
	}},
	"http": {1, func(args []string) error { return httpCeiling(args[0]) }},
	"serve": {2, func(args []string) error {
		replicas, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return serve(storage(args[0]), replicas)
	}},
}

// during reads how long a ceiling is to be measured.
func during(text string, measure func(time.Duration) error) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	return measure(d)
}

// other is main of the other half.
func other(name string, args []string) error {
	h, ok := halves[name]
	if !ok || len(args) != h.args {
		return fmt.Errorf("there is no half %s %v", name, args)
	}
	return h.main(args)
}
