package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestEnvironmentIsShellThatCannotBreakOut(t *testing.T) {
	e := environment{kubeconfig: "/a dir/it's/kubeconfig", issuer: "http://127.0.0.1:1"}
	want := "export KUBECONFIG='/a dir/it'\\''s/kubeconfig'\nexport ISSUER='http://127.0.0.1:1'\n"
	if got := e.render(); got != want {
		t.Errorf("render() = %q, want %q", got, want)
	}
	e.kubectlDir = "/assets"
	if got := e.render(); !strings.HasSuffix(got, "export PATH=\"$PATH\":'/assets'\n") {
		t.Errorf("render() = %q lacks the PATH", got)
	}
}

func TestLockRefusesASecondStackInOneFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".dev")
	unlock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lockDir(dir)
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) || !strings.Contains(err.Error(), "DEV_DIR") {
		t.Errorf("second lock: %v, want a sentence with the process and DEV_DIR", err)
	}
	unlock()
	again, err := lockDir(dir)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	again()
}

func TestClearRemovesDataButNothingElse(t *testing.T) {
	l := layout{t.TempDir()}
	mine := filepath.Join(l.dir, "notes.txt")
	old := l.secret("old.token")
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{mine, old, l.env()} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{mine: true, old: false, l.env(): false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
