package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store/sqlite"
)

// run runs the command with an input.
func run(t *testing.T, in io.Reader, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := rootCommand(&stdout, &stderr)
	root.SetIn(in)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// The hash of a password that came through a pipe lets that user sign in, and the
// password only: without its line break, and with its spaces.
func TestHashPasswordIsTakenBySignIn(t *testing.T) {
	for _, in := range []string{" correct horse \n", " correct horse ", " correct horse \r\nthe second line"} {
		out, _, err := run(t, strings.NewReader(in), "hash-password")
		if err != nil {
			t.Fatal(err)
		}
		hash, ok := strings.CutSuffix(out, "\n")
		if !ok || strings.ContainsAny(hash, "\n ") {
			t.Fatalf("printed %q, want one line", out)
		}
		directory, err := signin.ParseDirectory(fmt.Appendf(nil, "users: [{username: ada, id: ada, passwordHash: '%s'}]", hash))
		if err != nil {
			t.Fatal(err)
		}
		local := &signin.Local{}
		local.Set(directory)
		for password, want := range map[string]bool{" correct horse ": true, "correct horse": false, " correct horse \n": false} {
			if got := signsIn(t, local, password); got != want {
				t.Errorf("%q, hashed from %q: signs in %v, want %v", password, in, got, want)
			}
		}
	}
}

// signsIn tells whether ada signs in with a password.
func signsIn(t *testing.T, local *signin.Local, password string) bool {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sign := signin.NewPassword(signin.PasswordOptions{Local: local, Lockout: signin.Lockout{Attempts: db}})
	_, err = sign.SignIn(t.Context(), signin.Credentials{Username: "ada", Password: credential.Secret(password), Address: "127.0.0.1"}, time.Now())
	if err != nil && !errors.Is(err, signin.ErrRefused) {
		t.Fatal(err)
	}
	return err == nil
}

func TestHashPasswordRefuses(t *testing.T) {
	long := strings.Repeat("hunter2", signin.MaxPasswordLength)
	for name, c := range map[string]struct {
		in   string
		args []string
		want string
	}{
		"an argument":   {"", []string{"hunter2"}, "standard input"},
		"nothing":       {"", nil, "want 1 to"},
		"an empty line": {"\nhunter2", nil, "want 1 to"},
		"too long":      {long, nil, "want 1 to"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, err := run(t, strings.NewReader(c.in), append([]string{"hash-password"}, c.args...)...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if said := out + errOut + err.Error(); strings.Contains(said, "hunter2") || strings.Contains(said, "$argon2id") {
				t.Errorf("F36: it says %.100q", said)
			}
		})
	}
}
