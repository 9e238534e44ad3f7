package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// TestACAFile: a Secret as CloudNativePG makes it, whose URI has no sslmode, leads to a
// server whose certificate is checked, its name too, over TLS only; what the string says
// itself counts, if it is a check.
func TestACAFile(t *testing.T) {
	own, roots, authority := secured(t)
	certificate, key, err := authority.Issue("db.example")
	must(t, err)
	named, err := os.ReadFile(roots)
	must(t, err)
	bare := filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(bare, []byte(strings.TrimSpace(string(named))), 0o600)) // without a line break at its end
	_, other := trusted(t)
	uri := func(parameters string) string {
		return "postgresql://app:hunter2@" + own.Address() + "/postgres" + parameters
	}
	host, port, _ := strings.Cut(own.Address(), ":")
	words := "user=app password=hunter2 dbname=postgres host=" + host + " port=" + port
	opens := func(dsn, ca string) error {
		t.Helper()
		m := mount(t, dsn)
		o := m.options()
		o.CAFile = ca
		s, err := Open(t.Context(), o)
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is in %q", err)
			}
			return err
		}
		_, err = s.Replicas(t.Context(), time.Now())
		must(t, err)
		must(t, own.Exec(t.Context(), "", `DO $$ BEGIN ASSERT (SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'); END $$`))
		closed(t, s)
		return nil
	}
	for _, ca := range []string{roots, bare} {
		for _, dsn := range []string{uri(""), uri("\n"), uri("?"), uri("?application_name=x"), words} {
			if err := opens(dsn, ca); err != nil {
				t.Errorf("%s: %v", strings.ReplaceAll(dsn, "hunter2", "…"), err)
			}
		}
	}
	const unknown = "certificate signed by unknown authority"
	for _, test := range []struct{ dsn, ca, want string }{
		{uri(""), other, unknown},
		{words, other, unknown},
		{uri("?sslmode=verify-ca"), other, unknown},
		{uri("?sslmode=require"), other, unknown},
		{uri("?ssl=true"), other, unknown},
		{uri("?sslrootcert=" + roots), other, unknown}, // the file that was mounted counts
		{uri("?sslmode=disable"), roots, "does without a check of the server's certificate"},
		{uri("?sslmode=prefer"), roots, "does without a check of the server's certificate"},
		{words + " sslmode=allow", roots, "does without a check of the server's certificate"},
		{uri(""), filepath.Join(t.TempDir(), "none"), "--postgres-ca-file"},
		{uri(""), os.Args[0], "holds no certificate"},
	} {
		if err := opens(test.dsn, test.ca); err == nil || !strings.Contains(err.Error(), test.want) || stateOf(err) != oauth.StorageRefused {
			t.Errorf("%s: error %v, %s, want %q", strings.ReplaceAll(test.dsn, "hunter2", "…"), err, stateOf(err), test.want)
		}
	}
	must(t, own.Secure(t.Context(), certificate, key)) // it names another host
	for parameters, want := range map[string]string{"": "cannot validate certificate for 127.0.0.1", "?sslmode=verify-ca": "", "?sslmode=require": ""} {
		err := opens(uri(parameters), roots)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q, of another host: error %v, want %q", parameters, err, want)
		}
	}
}

// TestACAFileIsReadAgain: a connection after another authority took over is checked with
// that one, without a restart.
func TestACAFileIsReadAgain(t *testing.T) {
	own, roots, _ := secured(t)
	m := mount(t, app(own, ""))
	o := m.options()
	o.CAFile = roots
	s, err := Open(t.Context(), o)
	must(t, err)
	defer closed(t, s)
	_, err = s.Replicas(t.Context(), time.Now())
	must(t, err)

	next, file := trusted(t)
	certificate, key, err := next.Issue("127.0.0.1")
	must(t, err)
	must(t, own.Secure(t.Context(), certificate, key))
	s.db.pool.Reset()
	if _, err := s.Replicas(t.Context(), time.Now()); err == nil || stateOf(err) != oauth.StorageRefused {
		t.Errorf("a server of an unknown authority: %v", err)
	}
	if report := s.Examine(t.Context()); report.State != oauth.StorageRefused || strings.Contains(report.Message, "hunter2") {
		t.Errorf("reported %+v", report)
	}
	pem, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(roots, pem, 0o600))
	if _, err := s.Replicas(t.Context(), time.Now()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if report := s.Examine(t.Context()); report.State != oauth.StorageAvailable {
		t.Errorf("reported %+v", report)
	}
}

func TestTheCAIsAddedToAConnectionString(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgresql://u:p@db/x":             "postgres://u:p@db/x?sslmode=verify-full&sslrootcert=%2Fca%20%26%27.crt",
		"postgres://u:p?@db/x?a=b":          "postgres://u:p?@db/x?sslmode=verify-full&a=b&sslrootcert=%2Fca%20%26%27.crt",
		"postgres://db?a=b@c":               "postgres://db?a=b@c?sslmode=verify-full&sslrootcert=%2Fca%20%26%27.crt", // as libpq has it
		"postgres://db/x?sslmode=verify-ca": "postgres://db/x?sslmode=verify-full&sslmode=verify-ca&sslrootcert=%2Fca%20%26%27.crt",
		"host=db password='a b'":            `sslmode=verify-full host=db password='a b' sslrootcert='/ca &\'.crt'`,
	} {
		if got := withCA(dsn, "/ca &'.crt"); got != want {
			t.Errorf("%s: %s, want %s", dsn, got, want)
		}
	}
}
