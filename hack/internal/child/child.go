// Package child runs a process that must not outlive this one.
package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	Name string   // for people, "etcd"
	Path string   // the executable
	Args []string // without the program's name
	Env  []string // added to this process's environment, "KEY=value"
	Log  string   // file that takes stdout and stderr, appended to, mode 0600
	// Grace is how long the process may take to end after SIGTERM, before
	// SIGKILL. Zero means half a minute: a test that passed fails if it has to be killed.
	Grace time.Duration
}

// Process is a running or ended child.
type Process struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs the child in a process group of its own, so that a Ctrl-C in the
// terminal reaches only this process, which then stops its children in order.
// On Linux the kernel kills the child when this process dies, however it dies.
func Start(spec Spec) (*Process, error) {
	if spec.Grace == 0 {
		spec.Grace = 30 * time.Second
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // told by Exit, from cmd.ProcessState
		close(p.done)
	}()
	return p, nil
}

// Name is the name for people.
func (p *Process) Name() string { return p.spec.Name }

// Log is the path of the log file.
func (p *Process) Log() string { return p.spec.Log }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit describes how the process ended, "exit status 1" or "signal: killed";
// "still running" before that.
func (p *Process) Exit() string {
	select {
	case <-p.done:
		return p.cmd.ProcessState.String()
	default:
		return "still running"
	}
}

// Stop asks the process to end, kills it and whatever it left in its group if
// it does not within the grace time, and returns when it has ended. The error
// says that it had to be killed. Stopping an ended process does nothing.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.spec.Name, err)
	}
	grace := time.NewTimer(p.spec.Grace)
	defer grace.Stop()
	select {
	case <-p.done:
		return nil
	case <-grace.C:
	}
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.done
	return fmt.Errorf("%s did not end within %s of SIGTERM and was killed", p.spec.Name, p.spec.Grace)
}
