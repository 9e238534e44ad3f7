package postgres

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestOpenWaits for a server that is full, as for one that is not there, until it
// is neither.
func TestOpenWaits(t *testing.T) {
	name, there := schema(t)
	role := "role_" + name
	exec(t, "", `CREATE ROLE `+role+` LOGIN CONNECTION LIMIT 0; ALTER SCHEMA `+name+` OWNER TO `+role)
	log := &lines{}
	o := Options{DSN: server.DSN(there + " user=" + role), Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))}
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "too many connections") {
		t.Fatalf("without waiting: %v", err)
	}
	o.Wait = time.Hour
	opened := make(chan *Store, 1)
	go func() {
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(3 * time.Minute); !strings.Contains(log.String(), "waiting for it"); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing is said")
		}
	}
	exec(t, "", `ALTER ROLE `+role+` CONNECTION LIMIT -1`)
	if s := <-opened; s != nil {
		closed(t, s)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	o.DSN = server.DSN("port=1")
	if _, err := Open(gone, o); err == nil {
		t.Error("opened for a caller that went away")
	}
}

// TestF36AnErrorWithThePasswordIsNotShown, and is still what it is: a password may
// be the name of something.
func TestF36AnErrorWithThePasswordIsNotShown(t *testing.T) {
	config, err := parse(server.DSN("port=1 password=postgres"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pgx.ConnectConfig(t.Context(), config.ConnConfig)
	shown := withoutPassword(err, config.ConnConfig)
	if err == nil || strings.Contains(shown.Error(), "postgres") || !absent(shown) {
		t.Errorf("shown %q, absent %v", shown, absent(shown))
	}
}

// TestACertificateThatIsWrongIsNotWaitedFor, nor is a word said to its owner.
func TestACertificateThatIsWrongIsNotWaitedFor(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate, which nobody trusts
	defer web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was said
	said := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()                        //nolint:errcheck // it is broken anyway
		_, _ = io.ReadFull(conn, make([]byte, 8)) // SSLRequest
		_, _ = conn.Write([]byte("S"))
		text, _ := io.ReadAll(tls.Server(conn, &tls.Config{Certificates: web.TLS.Certificates}))
		said <- string(text)
	}()
	_, err = Open(t.Context(), Options{Wait: time.Hour, Now: time.Now, DSN: "postgres://u:hunter2@" + l.Addr().String() + "/db?sslmode=verify-full"})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v, want that the certificate is not to be trusted", err)
	}
	if text := <-said; text != "" {
		t.Errorf("the server was told %q", text)
	}
}
