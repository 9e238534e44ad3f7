package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadDSN(t *testing.T) {
	const secret = "postgres://u:hunter2@db/x"
	path := filepath.Join(t.TempDir(), "dsn")
	for content, want := range map[string]string{
		secret: secret, " " + secret + "\r\n\n": secret,
		"": "", " \n": "", secret + "\n" + secret: "", secret + strings.Repeat(" ", maxDSN): "", secret + "\x00x": "",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readDSN(path)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: read %q, %v", content, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), path)) {
			t.Errorf("error %q, want where and not what", err)
		}
	}
	if _, err := readDSN(path + "x"); err == nil {
		t.Error("read a file that is not there")
	}
}

func TestConnectionsOfThePool(t *testing.T) {
	for dsn, want := range map[string]int32{
		"postgres://u@db/x": defaultMaxConns, "host=db user=u": defaultMaxConns,
		"postgres://u@db/x?pool_max_conns=3": 3, "host=db user=u pool_max_conns=50": 50,
		"host=db password=pool_max_conns=7": defaultMaxConns,
	} {
		config, err := parse(dsn)
		if err != nil || config.MaxConns != want {
			t.Errorf("%s: %d connections, want %d (%v)", dsn, config.MaxConns, want, err)
		}
	}
}
