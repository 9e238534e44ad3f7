package child

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the processes it needs: nothing else is
// sure to be installed.
func TestMain(m *testing.M) {
	switch os.Getenv("CHILD_TEST_ROLE") {
	case "":
		os.Exit(m.Run())
	case "sleeper":
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	case "stubborn":
		ignoreTerm()
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	case "failing":
		fmt.Fprintln(os.Stderr, "cannot go on")
		os.Exit(3)
	case "parent":
		parent()
	}
}

func start(t *testing.T, role string, grace time.Duration) *Process {
	t.Helper()
	p, err := Start(Spec{
		Name: role, Path: os.Args[0], Env: []string{"CHILD_TEST_ROLE=" + role},
		Log: filepath.Join(t.TempDir(), role+".log"), Grace: grace,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	return p
}

// waitLog returns when the process has written the text.
func waitLog(t *testing.T, p *Process, text string) {
	t.Helper()
	eventually(t, p.Name()+" writes "+text, func() bool { return strings.Contains(Tail(p.Log(), 50), text) })
}

// eventually looks again until it is so; half a minute is for loaded machines.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("does not happen: %s", what)
		}
	}
}

func TestStopEndsByTerm(t *testing.T) {
	p := start(t, "sleeper", time.Minute)
	waitLog(t, p, "sleeping")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := p.Exit(); got != "signal: terminated" {
		t.Errorf("Exit() = %q", got)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestStopKillsWhatIgnoresTerm(t *testing.T) {
	p := start(t, "stubborn", 50*time.Millisecond)
	waitLog(t, p, "sleeping")
	err := p.Stop()
	if err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("Stop() = %v, want that it was killed", err)
	}
	if got := p.Exit(); got != "signal: killed" {
		t.Errorf("Exit() = %q", got)
	}
}

func TestDeathIsNoticedWithReasonAndLog(t *testing.T) {
	p := start(t, "failing", time.Minute)
	<-p.Done()
	if got := p.Exit(); got != "exit status 3" {
		t.Errorf("Exit() = %q", got)
	}
	if got := Tail(p.Log(), 3); got != "cannot go on" {
		t.Errorf("Tail() = %q", got)
	}
	info, err := os.Stat(p.Log())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("log mode %v, want 0600", info.Mode().Perm())
	}
}

// TestKilledParentLeavesNoOrphan kills a parent outright and sees that its
// child goes too.
func TestKilledParentLeavesNoOrphan(t *testing.T) {
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("only Linux tells a child of its parent's death")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CHILD_TEST_ROLE=parent", "CHILD_TEST_LOG="+filepath.Join(t.TempDir(), "log"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	eventually(t, "the child dies with its parent", func() bool { return !alive(pid) })
}

// alive: an orphan that is dead may stay a zombie where nobody reaps it.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && syscall.Kill(pid, 0) == nil
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := Tail(path, 2); !strings.HasPrefix(got, "(no log") {
		t.Errorf("missing file: %q", got)
	}
	text := strings.Repeat("filler line\n", 10_000) + "one\ntwo\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := Tail(path, 2); got != "one\ntwo" {
		t.Errorf("Tail() = %q", got)
	}
}
