package interop

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// install is the one command that installs everything these tests need.
const install = "apt-get install -y chromium fonts-liberation nodejs npm python3-flask python3-requests curl"

// program finds a program, or ends the test with a sentence that says what to do.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("there is no %s on PATH: install what the tests need with `%s`", name, install)
	}
	return path
}

// node finds Node.js, of a version that has the Web Crypto API in its globals.
func node(t testing.TB) string {
	t.Helper()
	path := program(t, "node")
	out, err := exec.Command(path, "--version").Output()
	must(t, err)
	var major int
	if _, err := fmt.Sscanf(string(out), "v%d.", &major); err != nil || major < 20 {
		t.Fatalf("%s is %s: these tests need Node.js 20 or newer", path, bytes.TrimSpace(out))
	}
	return path
}

// python is Debian's, for the libraries of the samples are its packages; another
// one on PATH would not see them.
func python(t testing.TB) string {
	t.Helper()
	const path = "/usr/bin/python3"
	if out, err := exec.Command(path, "-c", "import flask, requests").CombinedOutput(); err != nil {
		t.Fatalf("%s has no flask or no requests (%v %s): install what the tests need with `%s`", path, err, bytes.TrimSpace(out), install)
	}
	return path
}

// artifacts is the folder of pictures.
func artifacts(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ARTIFACTS")
	if dir == "" {
		dir = "artifacts"
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
