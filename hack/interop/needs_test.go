package interop

import (
	"bytes"
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
