package postgres

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxDSN is how many bytes a connection string's file may have.
const maxDSN = 16 << 10

// readDSN reads a connection string from a file, as a Secret is mounted; white
// space around it is left out. No error quotes the content.
func readDSN(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the connection string: %w", err)
	}
	dsn := strings.TrimSpace(string(content))
	switch {
	case dsn == "":
		err = errors.New("the file is empty")
	case len(content) > maxDSN:
		err = fmt.Errorf("the file has more than %d bytes", maxDSN)
	case strings.ContainsAny(dsn, "\r\n\x00"):
		err = errors.New("the file has more than one line")
	}
	if err != nil {
		return "", fmt.Errorf("read the connection string from %s: %w", path, err)
	}
	return dsn, nil
}

// parseVerified parses a connection string with a file of certificates (PEM) of
// authorities, and lets none pass with which another server could stand in for the
// database: sslmode is verify-full unless the string says what it is.
func parseVerified(dsn, caFile string) (*pgxpool.Config, error) {
	if err := checkCA(caFile); err != nil {
		return nil, err
	}
	if dsn == "" {
		return nil, errNoDSN
	}
	config, err := parse(withCA(dsn, caFile))
	if err != nil {
		return nil, err
	}
	if unverified(config.ConnConfig) {
		return nil, errors.New("the connection string's sslmode does without a check of the server's certificate, and a file of certificates (--postgres-ca-file) is given: " +
			"want no sslmode in it, which is verify-full then, or verify-ca")
	}
	return config, nil
}

// checkCA is for an error that names the file as people know it.
func checkCA(file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the certificates for the database (--postgres-ca-file): %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fmt.Errorf("the file %s (--postgres-ca-file) holds no certificate: want that of the authority that issued the database's, in PEM form", file)
	}
	return nil
}

// withCA adds a default of sslmode in front of a connection string's parameters, where
// what the string says wins, and sslrootcert behind them, where it wins.
func withCA(dsn, caFile string) string {
	const mode = "sslmode=verify-full"
	rest, isURL := strings.CutPrefix(dsn, "postgresql://")
	if !isURL {
		rest, isURL = strings.CutPrefix(dsn, "postgres://")
	}
	if !isURL {
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(caFile)
		return mode + " " + dsn + " sslrootcert='" + quoted + "'"
	}
	// As libpq and the driver do: what comes before an @ without a / in front is user
	// and password, question marks included.
	begin := 0
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		begin = i + 1
	}
	before, parameters, some := strings.Cut(rest[begin:], "?")
	if some && parameters != "" {
		parameters = "&" + parameters
	}
	return "postgres://" + rest[:begin] + before + "?" + mode + parameters + "&sslrootcert=" + strings.ReplaceAll(url.QueryEscape(caFile), "+", "%20")
}

// unverified says whether some way to connect over a network does without a check of the
// server's certificate.
func unverified(c *pgx.ConnConfig) bool {
	ways := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	return slices.ContainsFunc(ways, func(way *pgconn.FallbackConfig) bool {
		if network, _ := pgconn.NetworkAddress(way.Host, way.Port); network == "unix" {
			return false
		}
		return way.TLSConfig == nil || way.TLSConfig.InsecureSkipVerify && way.TLSConfig.VerifyPeerCertificate == nil
	})
}
