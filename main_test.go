package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/sqlite"
)

// asCommand makes this test binary the command: what the tests start is the real
// thing, in a process of its own.
const asCommand = "CLIENTELE_TEST_COMMAND"

// What the command finds in its environment then: the termination log of its container,
// and how long it waits for a database.
const terminationLogOf, databaseWaitOf = "CLIENTELE_TEST_TERMINATION_LOG", "CLIENTELE_TEST_DATABASE_WAIT"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		terminationLog = os.Getenv(terminationLogOf)
		if wait, err := time.ParseDuration(os.Getenv(databaseWaitOf)); err == nil {
			databaseWait = wait
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running `clientele server`.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	word  string // the file of its termination log

	mu     sync.Mutex
	output bytes.Buffer
}

// Write implements io.Writer.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// serve on PostgreSQL.
func serve(t *testing.T, dsn string, flags ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte(dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, append([]string{"--storage=postgres", "--postgres-dsn-file=" + file}, flags...)...)
}

// start the server. No API server answers: that is waited for, not a reason to end.
func start(t *testing.T, flags ...string) *process {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kubeconfig := write("kubeconfig", `{"apiVersion":"v1","kind":"Config","current-context":"c",
		"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],
		"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}],"users":[{"name":"c","user":{}}]}`)
	p := &process{ended: make(chan struct{}), word: write("termination-log", "what was there before, which is longer than what comes")}
	p.cmd = exec.Command(os.Args[0], append([]string{"server", "--kubeconfig=" + kubeconfig, "--listen-address=127.0.0.1:0", "--metrics-address="}, flags...)...)
	p.cmd.Env = append(os.Environ(), asCommand+"=1", terminationLogOf+"="+p.word)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ProcessState has it
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // if it is still there
		<-p.ended
	})
	return p
}

// lastWord is what it left in its termination log.
func (p *process) lastWord(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(p.word)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// until something holds of the process, which must not end before.
func (p *process) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-p.ended:
			t.Fatalf("%s: it ended before:\n%s", what, p.said())
		case <-late:
			t.Fatalf("%s: not within a minute:\n%s", what, p.said())
		}
	}
}

// serving is what it says when it listens, at a port that the kernel chose.
var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

func (p *process) healthy() bool {
	said := serving.FindStringSubmatch(p.said())
	if said == nil {
		return false
	}
	response, err := http.Get("http://" + said[1] + "/healthz")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// end of the process, and how it ended.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Fatalf("still running after a minute:\n%s", p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	if code := p.end(t); code != 0 {
		t.Errorf("exit status %d after SIGTERM:\n%s", code, p.said())
	}
}

// database is a PostgreSQL whose users, but for its superuser, have passwords.
func database(t *testing.T) *pgtest.Server {
	t.Helper()
	db, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(db.Access(t.Context(), "local all all scram-sha-256"),
		db.Exec(t.Context(), "", `CREATE ROLE app LOGIN PASSWORD 'hunter2'; CREATE SCHEMA app AUTHORIZATION app`)); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestServerOnPostgreSQL follows two replicas through a day: they start together
// while the database is away, make the tables once, outlive an outage, and stop.
func TestServerOnPostgreSQL(t *testing.T) {
	db := database(t)
	dsn := db.DSN("user=app password=hunter2 search_path=app")
	if err := db.End(); err != nil {
		t.Fatal(err)
	}
	replicas := []*process{serve(t, dsn), serve(t, dsn)}
	for _, p := range replicas {
		p.until(t, "a replica says what it waits for", func() bool { return strings.Contains(p.said(), "the database cannot be reached; waiting for it") })
	}
	if err := db.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range replicas {
		p.until(t, "a replica serves", p.healthy)
	}
	if err := db.Exec(t.Context(), "", `DO $$ BEGIN ASSERT (SELECT version FROM app.clientele_schema) > 0; END $$`); err != nil {
		t.Error(err)
	}
	if err := errors.Join(db.End(), db.Begin(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, p := range replicas {
		p.until(t, "a replica outlives an outage", p.healthy)
		p.terminate(t)
	}
	waiting := serve(t, strings.Replace(dsn, "host=", "port=1 host=", 1))
	waiting.until(t, "it waits", func() bool { return strings.Contains(waiting.said(), "waiting for it") })
	waiting.terminate(t)
	for _, p := range append(replicas, waiting) {
		if strings.Contains(p.said(), "hunter2") {
			t.Errorf("F36: the password is in the log:\n%s", p.said())
		}
	}
}

// TestO18ASecondSignalEndsTheServerAtOnce: whoever does not want to wait for the delay, or
// for a request that hangs, asks once more.
func TestO18ASecondSignalEndsTheServerAtOnce(t *testing.T) {
	p := start(t, "--data-dir="+t.TempDir(), "--shutdown-delay=1h", "--registrar-address=127.0.0.1:0")
	p.until(t, "it serves, registrars too", func() bool {
		return p.healthy() && strings.Contains(p.said(), `msg="serving registrars" address=127.0.0.1:`)
	})
	signal := func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	p.until(t, "it says that it stops", func() bool { return strings.Contains(p.said(), "not ready any more") })
	if !p.healthy() {
		t.Error("it does not serve for the delay")
	}
	signal()
	p.end(t)
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want by the signal:\n%s", p.cmd.ProcessState, p.said())
	}
}

func TestServerFlagsThatContradictEachOther(t *testing.T) {
	for want, flags := range map[string][]string{
		"need --registrar-address":                      {"--registrar-tls-cert-file=a", "--registrar-tls-key-file=b"},
		"--registrar-tls-key-file belong together":      {"--registrar-address=127.0.0.1:0", "--registrar-tls-cert-file=a"},
		"want at most 128 letters, digits, dots, hyphe": {"--cluster-id=a cluster"},
	} {
		if p := start(t, append(flags, "--data-dir="+t.TempDir())...); p.end(t) == 0 || !strings.Contains(p.said(), want) {
			t.Errorf("%v: %s", flags, p.said())
		}
	}
}

// TestServerThatPostgreSQLRefuses ends, and says why: waiting would not help.
func TestServerThatPostgreSQLRefuses(t *testing.T) {
	db := database(t)
	later := db.DSN("user=app password=hunter2 search_path=app")
	early := serve(t, later)
	early.until(t, "it makes the tables", early.healthy)
	early.terminate(t)
	if word := early.lastWord(t); !strings.HasPrefix(word, "what was there before") {
		t.Errorf("it stopped in good order, and left %q", word)
	}
	if err := db.Exec(t.Context(), "", `UPDATE app.clientele_schema SET version = 999`); err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		dsn  string
		code int
		word oauth.StorageState
		want string
	}{
		"a wrong password":     {db.DSN("user=app password=swordfish"), 3, oauth.StorageRefused, "password authentication failed"},
		"no such database":     {db.DSN("user=app password=hunter2 dbname=elsewhere"), 3, oauth.StorageRefused, `database "elsewhere" does not exist`},
		"no right to a schema": {db.DSN("user=app password=hunter2 search_path=public"), 3, oauth.StorageRefused, "permission denied"},
		"no connection string": {"swordfish", 3, oauth.StorageRefused, "want postgres://"},
		"a newer schema":       {later, 4, oauth.StorageSchemaTooNew, "run the newer version again"},
	} {
		t.Run(rule, func(t *testing.T) {
			p := serve(t, c.dsn)
			if code := p.end(t); code != c.code || !strings.Contains(p.said(), c.want) || strings.Contains(p.said(), "waiting") {
				t.Errorf("exit status %d, want %d and %q:\n%s", code, c.code, c.want, p.said())
			}
			word := oauth.ParseStorageReport(p.lastWord(t))
			if word == nil || word.State != c.word || !strings.Contains(word.Message, c.want) || strings.Contains(word.Message, "\n") {
				t.Errorf("the termination log has %q, want %s and %q", p.lastWord(t), c.word, c.want)
			}
			if said := p.said() + p.lastWord(t); strings.Contains(said, "swordfish") || strings.Contains(said, "hunter2") {
				t.Errorf("F36: the password is told:\n%s", said)
			}
			t.Log(p.said())
		})
	}
}

// TestServerThatWaitedLongEnough for its database ends and says so: what is started again
// and again is seen.
func TestServerThatWaitedLongEnough(t *testing.T) {
	t.Setenv(databaseWaitOf, "1s")
	p := serve(t, "postgres://app:hunter2@127.0.0.1:1/app")
	if code := p.end(t); code != 3 || !strings.Contains(p.said(), "waiting for it") {
		t.Errorf("exit status %d, want 3:\n%s", code, p.said())
	}
	word := oauth.ParseStorageReport(p.lastWord(t))
	if word == nil || word.State != oauth.StorageUnreachable || !strings.Contains(word.Message, "127.0.0.1:1/app") || !strings.Contains(word.Message, "within 1s") {
		t.Errorf("the termination log has %q", p.lastWord(t))
	}
	if said := p.said() + p.lastWord(t); strings.Contains(said, "hunter2") {
		t.Errorf("F36: the password is told:\n%s", said)
	}
	if databaseWait != time.Minute {
		t.Errorf("it waits %s unless a test says otherwise", databaseWait)
	}
}

// TestASecondServerOnTheDirectory ends and says why; the first goes on.
func TestASecondServerOnTheDirectory(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "--data-dir="+dir)
	first.until(t, "it serves", first.healthy)
	second := start(t, "--data-dir="+dir)
	if code := second.end(t); code != 3 {
		t.Errorf("exit status %d, want 3:\n%s", code, second.said())
	}
	word := oauth.ParseStorageReport(second.lastWord(t))
	if word == nil || word.State != oauth.StorageRefused || !strings.Contains(word.Message, "another clientele server uses this directory") || !strings.Contains(word.Message, dir) {
		t.Errorf("the termination log has %q", second.lastWord(t))
	}
	if !first.healthy() {
		t.Errorf("the first serves no more:\n%s", first.said())
	}
	first.terminate(t)
	third := start(t, "--data-dir="+dir)
	third.until(t, "the next one serves", third.healthy)
}

// TestAMistakeInTheFlags is none of the storage.
func TestAMistakeInTheFlags(t *testing.T) {
	for _, flags := range [][]string{
		{"--storage=tape"}, {"--storage=postgres"}, {"--nonsense"}, {"--log-level=loud"}, {"--authorization-server=default"},
		{"--tls-cert-file=x", "--data-dir=" + t.TempDir()},
	} {
		p := start(t, flags...)
		if code := p.end(t); code != 2 || !strings.Contains(p.said(), strings.SplitN(flags[0], "=", 2)[0]) {
			t.Errorf("%s: exit status %d, want 2:\n%s", flags, code, p.said())
		}
	}
}

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
