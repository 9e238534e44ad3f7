package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clientele.dev/clientele/hack/internal/stack"
)

func TestEnvironmentIsShellThatCannotBreakOut(t *testing.T) {
	e := environment{kubeconfig: "/a dir/it's/kubeconfig", issuer: "http://127.0.0.1:1", user: stack.DemoUser{Name: "demo", Password: "$(id)"}}
	want := "export KUBECONFIG='/a dir/it'\\''s/kubeconfig'\nexport ISSUER='http://127.0.0.1:1'\n" +
		"export DEMO_USER='demo'\nexport DEMO_PASSWORD='$(id)'\n"
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
