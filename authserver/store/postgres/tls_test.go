package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store/postgres/pgtest"
)

// secured is a server that lets app in over TLS only, and the file of its authority.
func secured(t *testing.T) (own *pgtest.Server, roots string, authority *pgtest.Authority) {
	t.Helper()
	own = started(t, pgtest.StartTCP)
	authority, roots = trusted(t)
	certificate, key, err := authority.Issue("127.0.0.1")
	must(t, err)
	must(t, own.Secure(t.Context(), certificate, key))
	must(t, own.Access(t.Context(), "hostssl all app all scram-sha-256"))
	must(t, own.Exec(t.Context(), "", `CREATE ROLE app LOGIN PASSWORD 'hunter2'; CREATE SCHEMA app AUTHORIZATION app`))
	return own, roots, authority
}

// trusted is an authority and the file that holds its certificate.
func trusted(t *testing.T) (authority *pgtest.Authority, file string) {
	t.Helper()
	authority, err := pgtest.NewAuthority()
	must(t, err)
	file = filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(file, authority.PEM(), 0o600))
	return authority, file
}

// TestTLS: statements and notifications, and nothing beside it.
func TestTLS(t *testing.T) {
	own, roots, _ := secured(t)
	o := never
	o.DSN, o.Now = app(own, "sslmode=verify-full&application_name=tls&sslrootcert="+roots), time.Now
	s, err := Open(t.Context(), o)
	must(t, err)
	defer closed(t, s)
	bind(t, s)
	listening(t, s)
	const all = `DO $$ BEGIN ASSERT (SELECT count(*) > 1 AND bool_and(ssl) AND bool_or(query = 'LISTEN clientele')
		FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'); END $$`
	if err := own.Exec(t.Context(), "", all); err != nil {
		t.Errorf("not all connections are over TLS: %v", err)
	}
}

// app is a connection string for the role of that name, over TCP.
func app(s *pgtest.Server, parameters string) string {
	return "postgres://app:hunter2@" + s.Address() + "/postgres?" + parameters
}

// TestF36WhatIsWrongWithTLSIsSaid, and what would be right; not the password.
func TestF36WhatIsWrongWithTLSIsSaid(t *testing.T) {
	own, roots, authority := secured(t)
	says := func(parameters string, want ...string) {
		t.Helper()
		// It does not wait: time heals none of these.
		_, err := Open(t.Context(), Options{DSN: app(own, parameters), Now: time.Now, Wait: time.Hour})
		if err == nil {
			t.Fatalf("%s: opened", parameters)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q, want %q in it", parameters, err, w)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password is in %q", parameters, err)
		}
	}
	_, other := trusted(t)
	const unknown, ca = "certificate signed by unknown authority", "want sslrootcert, or --postgres-ca-file, to name a file with the certificate of the authority"
	says("sslmode=verify-full&sslrootcert="+other, unknown, ca)
	says("sslmode=verify-ca&sslrootcert="+other, unknown, ca)
	says("sslmode=verify-full", unknown, ca)
	says("sslmode=disable", "no encryption", "want sslmode=verify-full")

	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.WriteFile(empty, nil, 0o600))
	says("sslmode=verify", "there is no such sslmode: want verify-full")
	says("sslrootcert=/nowhere", "the file that sslrootcert names cannot be read: no such file")
	says("sslrootcert="+empty, "the file that sslrootcert names holds no certificate")
	says("sslcert=/nowhere", "sslcert and sslkey belong together")
	says("sslcert=/nowhere&sslkey=/nowhere", "the file that sslkey names cannot be read: no such file")
	says("sslcert=/nowhere&sslkey="+empty, "the file that sslkey names holds no private key")

	certificate, key, err := authority.Issue("db.example")
	must(t, err)
	must(t, own.Secure(t.Context(), certificate, key))
	says("sslmode=verify-full&sslrootcert="+roots, "cannot validate certificate for 127.0.0.1", "want a host that the server's certificate names")
	must(t, own.Unsecure(t.Context()))
	says("sslmode=verify-full&sslrootcert="+roots, "server refused TLS", "want ssl = on at the server")
}
