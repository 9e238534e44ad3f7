package postgres

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errDSN says nothing of what was read: the parser's error may quote the password.
var errDSN = errors.New("the connection string cannot be read: want postgres://user:password@host:5432/database?sslmode=verify-full, " +
	"with what is special percent-encoded, or the same as key=value words")

// tlsMistakes in a connection string: how the driver's error begins, and what is said
// in its place.
var tlsMistakes = []struct{ begins, say string }{
	{"sslmode is invalid", "there is no such sslmode: want verify-full, verify-ca, require, prefer, allow or disable"},
	{"unable to read CA file", "the file that sslrootcert names cannot be read"},
	{"unable to add CA", "the file that sslrootcert names holds no certificate: want that of the authority that issued the server's, in PEM form"},
	{`both "sslcert" and`, "sslcert and sslkey belong together: want both or neither"},
	{"unable to read cert", "the file that sslcert names cannot be read"},
	{"unable to read sslkey", "the file that sslkey names cannot be read"},
	{"failed to decode sslkey", "the file that sslkey names holds no private key in PEM form"},
	{"unable to load cert", "the files that sslcert and sslkey name are no certificate and its key in PEM form"},
}

// misread is the error for a connection string that the driver does not read. Nothing
// of the string is in it.
func misread(err error) error {
	cause := errors.Unwrap(err)
	if cause == nil {
		return errDSN
	}
	for _, m := range tlsMistakes {
		if !strings.HasPrefix(cause.Error(), m.begins) {
			continue
		}
		if file, ok := errors.AsType[*fs.PathError](cause); ok {
			return fmt.Errorf("the connection string cannot be used: %s: %w", m.say, file.Err)
		}
		return errors.New("the connection string cannot be used: " + m.say)
	}
	return errDSN
}

// advised adds to an error of connecting what would be right, for TLS and for servers
// that accept no writes.
func advised(err error, c *pgx.ConnConfig) error {
	var advice string
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgconn.ErrReadOnlyConnection):
		advice = "this server is a standby or has default_transaction_read_only = on: want the connection string to name the primary, or all hosts"
	case wrongName(err):
		advice = "want a host that the server's certificate names, or a certificate for this host"
	case untrusted(err):
		advice = "want sslrootcert, or --postgres-ca-file, to name a file with the certificate of the authority that issued the server's, which is still valid"
	case refusedTLS(err):
		advice = "want ssl = on at the server, or sslmode=prefer, which does without"
	case state(err) == invalidAuthorization && withoutTLS(c):
		advice = "the server may want TLS: want sslmode=verify-full with sslrootcert, or a line in its pg_hba.conf"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, advice)
}

func wrongName(err error) bool {
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

// untrusted says that the server's certificate was not accepted: the driver checks it by
// itself for sslmode=verify-ca, and has it checked for verify-full.
func untrusted(err error) bool {
	_, full := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return full || authority || invalid
}

// refusedTLS says that the server speaks none; the driver has only words for it.
func refusedTLS(err error) bool {
	return state(err) == "" && strings.Contains(err.Error(), "server refused TLS connection")
}

func withoutTLS(c *pgx.ConnConfig) bool {
	for _, f := range c.Fallbacks {
		if f.TLSConfig != nil {
			return false
		}
	}
	return c.TLSConfig == nil
}

// withoutPassword is for an error of connecting: it names host, user and database,
// and must not come to name more.
func withoutPassword(err error, c *pgx.ConnConfig) error {
	if err != nil && c.Password != "" && strings.Contains(err.Error(), c.Password) {
		return unshown{err}
	}
	return err
}

// unshown is an error whose text is not for anybody, though its kind is.
type unshown struct{ cause error }

// Error implements error.
func (e unshown) Error() string {
	return fmt.Sprintf("connecting failed (SQLSTATE %q); the rest is not shown, for it holds the password", state(e.cause))
}

// Unwrap is for errors.As.
func (e unshown) Unwrap() error { return e.cause }
