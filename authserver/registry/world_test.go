package registry

import (
	"bytes"
	"database/sql"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
)

// world is a registry on a real database.
type world struct {
	*Registry
	dir   string
	store store.Store
	keys  atomic.Pointer[credential.ServerKeys]
	clock atomic.Int64 // Unix seconds
	logs  *logs
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dir: sqlitetest.Dir(t), logs: &logs{}}
	w.clock.Store(1_950_000_000)
	w.newKeys(t)
	w.open(t)
	t.Cleanup(func() { w.close(t) })
	return w
}

func (w *world) now() time.Time { return time.Unix(w.clock.Load(), 0) }

func (w *world) newKeys(t testing.TB) {
	t.Helper()
	keys, err := credential.NewServerKeys(w.now())
	if err != nil {
		t.Fatal(err)
	}
	w.keys.Store(&keys)
}

// open the database and load it, as a server that starts.
func (w *world) open(t testing.TB) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: w.dir, Now: w.now, Poll: 5 * time.Millisecond, Linger: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	w.use(s)
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) use(s store.Store) {
	w.store = s
	s.SignWith(func() store.Signer { return *w.keys.Load() }, slog.New(slog.DiscardHandler))
	w.Registry = New(Options{
		Store: s,
		Keys:  func() credential.ServerKeys { return *w.keys.Load() },
		Now:   w.now,
		Log:   slog.New(slog.NewTextHandler(w.logs, nil)),
	})
}

func (w *world) close(t testing.TB) {
	t.Helper()
	if w.store == nil {
		return
	}
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
	w.store = nil
}

// run the registry until the test ends.
func (w *world) run(t *testing.T) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- w.Run(t.Context()) }() // the context ends before Cleanup
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// sql by a connection of its own, as with the sqlite3 tool.
func (w *world) sql(t *testing.T, statement string) {
	t.Helper()
	path := url.URL{Scheme: "file", Path: filepath.Join(w.dir, "clientele.db"), RawQuery: "_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", path.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (w *world) wipe(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(w.dir); err != nil {
		t.Fatal(err)
	}
}

func (w *world) register(t *testing.T, reg oauth.Registration) oauth.RegistrationResponse {
	t.Helper()
	resp, _, err := w.Register(t.Context(), "c1", reg, false)
	if err != nil {
		t.Fatalf("register %s: %v", reg.ClientID, err)
	}
	return resp
}

func (w *world) putPolicy(t *testing.T, p policy.Policy) {
	t.Helper()
	if _, _, err := w.PutPolicy(t.Context(), "c1", p); err != nil {
		t.Fatalf("put policy %s: %v", p.UID, err)
	}
}

// follow the changes of cluster c1 until enough says so.
func (w *world) waitFor(t *testing.T, storeID string, since int64, enough func(oauth.Inventory) bool) oauth.Inventory {
	t.Helper()
	for range 1000 {
		inv, err := w.Changes(t.Context(), "c1", storeID, since, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if enough(inv) {
			return inv
		}
		if inv.Revision == since {
			break
		}
		since = inv.Revision
	}
	t.Fatal("waited in vain")
	return oauth.Inventory{}
}

func anything(oauth.Inventory) bool { return true }

// eventually is for what no change tells of.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(30 * time.Second)
	defer timeout.Stop()
	for !true() {
		select {
		case <-tick.C:
		case <-timeout.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// logs are what was logged so far.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

const secret = "cls_not-a-real-secret"

// reg of the client shop.<name>.
func reg(name string, edit ...func(*oauth.Registration)) oauth.Registration {
	r := oauth.Registration{
		ClientID:   "shop." + name,
		GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials},
		Scope:      "read write",
		Managed: &oauth.Managed{
			Owner:                 oauth.Owner{Namespace: "shop", Name: name, UID: "uid-" + name},
			Counter:               1,
			Generation:            1,
			SecretHashes:          []string{credential.Hash(secret)},
			RegistrationTokenHash: credential.Hash("clr_" + name),
			NamespaceLabels:       map[string]string{"kubernetes.io/metadata.name": "shop"},
		},
	}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func counter(n int64) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Counter = n }
}

func orders(uid string) policy.Policy {
	return policy.Policy{
		UID: uid, Namespace: "orders", Name: uid, Created: 1, Generation: 1,
		Resource: "https://" + uid + ".example.com",
		Scopes:   []policy.Scope{{Name: "read"}},
		Allow:    []policy.Rule{{Scopes: []string{"read"}, GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials}}},
	}
}
