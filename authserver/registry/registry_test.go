package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

func TestRegister(t *testing.T) {
	w := newWorld(t)
	resp, created, err := w.Register(t.Context(), "c1", reg("web"), false)
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	c, ok := w.Client("shop.web")
	if !ok {
		t.Fatal("the view does not have the client yet")
	}
	if !w.Keys().MatchAny(c.Secrets, secret) || w.Keys().MatchAny(c.Secrets, secret+"x") {
		t.Error("the secret does not match, or another one does")
	}
	if !w.Keys().Match(c.RegistrationToken, "clr_web") {
		t.Error("the registration access token does not match")
	}
	if !slices.Equal(c.Scopes, []string{"read", "write"}) || c.Managed.Owner.Cluster != "c1" {
		t.Errorf("client %+v", c)
	}
	want := oauth.RegistrationResponse{
		Registration: c.Registration, ClientIDIssuedAt: w.now().Unix(),
		Digest: reg("web").Digest(), StoreID: w.StoreID(), Revision: w.Revision(),
	}
	if diff := cmp.Diff(want.Digest, resp.Digest); diff != "" || resp.StoreID != want.StoreID || resp.Revision != want.Revision || resp.ClientIDIssuedAt != want.ClientIDIssuedAt {
		t.Errorf("response %+v, want %+v", resp, want)
	}
	if resp.Managed.SecretHashes == nil || len(resp.Managed.SecretHashes) != 0 || resp.Managed.RegistrationTokenHash != "" {
		t.Errorf("response tells hashes, or null: %+v", resp.Managed)
	}
	if got := w.Counts(); got != (Counts{Managed: 1}) {
		t.Errorf("counts %+v", got)
	}
}

// Keys in force.
func (w *world) Keys() credential.ServerKeys { return *w.keys.Load() }

// TestF6ResponseLost: the caller saw a timeout and asks again.
func TestF6ResponseLost(t *testing.T) {
	w := newWorld(t)
	first := w.register(t, reg("web"))
	writes := w.store.Writes()
	for _, update := range []bool{false, true} {
		again, created, err := w.Register(t.Context(), "c1", reg("web"), update)
		if err != nil || created {
			t.Fatalf("created %v, %v", created, err)
		}
		if diff := cmp.Diff(first, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("another answer (-first +again):\n%s", diff)
		}
	}
	if n := w.store.Writes() - writes; n != 0 {
		t.Errorf("%d writes for what is there already", n)
	}
	owner := reg("web").Managed.Owner
	owner.Cluster = "c1"
	for range 2 {
		if err := w.Deregister(t.Context(), "shop.web", owner, 1); err != nil {
			t.Errorf("deregister: %v", err)
		}
	}
	if _, ok := w.Client("shop.web"); ok {
		t.Error("the client is still served")
	}
}

func TestRefusalsAreProtocolErrors(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web", counter(5)))
	tests := []struct {
		name    string
		cluster string
		reg     oauth.Registration
		update  bool
		want    oauth.Code
	}{
		{"F7 stale", "c1", reg("web", counter(4)), false, oauth.CodeStaleCounter},
		{"F32 another cluster", "c2", reg("web", counter(6)), false, oauth.CodeClientIDTaken},
		{"update of nothing", "c1", reg("other"), true, oauth.CodeInvalidToken},
		{"A10 no registrar's part", "c1", oauth.Registration{ClientID: "x"}, false, oauth.CodeInvalidClientMetadata},
		{"A16 SQL in the client id", "c1", reg("web'; DROP TABLE clients; --"), false, oauth.CodeInvalidClientMetadata},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := w.Register(t.Context(), test.cluster, test.reg, test.update)
			if oauth.CodeOf(err) != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	if c, ok := w.Client("shop.web"); !ok || c.Managed.Counter != 5 {
		t.Error("a refusal changed the client")
	}
	// A cluster in the request counts for nothing.
	forged := reg("web", counter(6))
	forged.Managed.Owner.Cluster = "c1"
	if _, _, err := w.Register(t.Context(), "c2", forged, false); oauth.CodeOf(err) != oauth.CodeClientIDTaken {
		t.Errorf("the request named its cluster itself: %v", err)
	}
}

// TestDisabledAndRotatedAtOnce: the view never answers with what was before.
func TestDisabledAndRotatedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	w.register(t, reg("web", counter(2), func(r *oauth.Registration) {
		r.Managed.SecretHashes[0] = strings.Repeat("a", 64)
		r.Managed.Disabled = true
	}))
	c, _ := w.Client("shop.web")
	if !c.Managed.Disabled || w.Keys().MatchAny(c.Secrets, secret) {
		t.Error("the old secret is still good, or the client not disabled")
	}
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	client := policy.Client{Cluster: "c1", Namespace: "shop"}
	granted := func() bool {
		return w.Policies().Decide(client, "https://p1.example.com", "read", oauth.GrantClientCredentials).Granted
	}
	seen := map[int64]bool{w.PolicyRevision(): true}
	moved := func(step string) {
		if seen[w.PolicyRevision()] {
			t.Errorf("%s: the policy revision did not move on", step)
		}
		seen[w.PolicyRevision()] = true
	}
	if granted() {
		t.Error("granted by nobody")
	}
	digest, _, err := w.PutPolicy(t.Context(), "c1", orders("p1"))
	if err != nil || digest != orders("p1").Digest() || !granted() {
		t.Errorf("digest %s, %v, granted %v", digest, err, granted())
	}
	moved("put")
	writes := w.store.Writes()
	w.putPolicy(t, orders("p1"))
	if w.store.Writes() != writes {
		t.Error("the same policy was written again")
	}
	if _, _, err := w.PutPolicy(t.Context(), "c2", orders("p1")); oauth.CodeOf(err) != oauth.CodeOwnerMismatch {
		t.Errorf("F32: another cluster took the policy: %v", err)
	}
	if err := w.DeletePolicy(t.Context(), "c2", "p1"); err != nil || !granted() {
		t.Errorf("F32: another cluster deleted the policy: %v", err)
	}
	for range 2 {
		if err := w.DeletePolicy(t.Context(), "c1", "p1"); err != nil || granted() {
			t.Errorf("delete: %v, granted %v", err, granted())
		}
	}
	moved("delete")
}

// TestRestart: a new process serves the same.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	w.register(t, reg("gone"))
	w.putPolicy(t, orders("p1"))
	owner := reg("gone").Managed.Owner
	owner.Cluster = "c1"
	if err := w.Deregister(t.Context(), "shop.gone", owner, 1); err != nil {
		t.Fatal(err)
	}
	before, id, revision := w.Counts(), w.StoreID(), w.Revision()
	old, _ := w.Client("shop.web")
	w.close(t)
	w.open(t)
	if w.StoreID() != id || w.Counts() != before {
		t.Errorf("store %s with %+v, want %s with %+v", w.StoreID(), w.Counts(), id, before)
	}
	c, _ := w.Client("shop.web")
	if diff := cmp.Diff(old, c); diff != "" {
		t.Errorf("client (-before +after):\n%s", diff)
	}
	inv, err := w.Changes(t.Context(), "c1", id, revision, time.Minute)
	if err != nil || !inv.Reset {
		t.Errorf("who follows is not told to read everything: %+v, %v", inv, err)
	}
}

// TestReadersNeverWait: registering and serving at once, and one of many equal
// requests creates.
func TestReadersNeverWait(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.register(t, reg("stays"))
	var all sync.WaitGroup
	var created atomic.Int64
	for range 50 {
		all.Go(func() {
			_, fresh, err := w.Register(t.Context(), "c1", reg("web"), false)
			if err != nil {
				t.Error(err)
			}
			if fresh {
				created.Add(1)
			}
			if _, ok := w.Client("shop.web"); !ok {
				t.Error("registered, and not served")
			}
		})
		all.Go(func() {
			if _, ok := w.Client("shop.stays"); !ok {
				t.Error("a client vanished while others were registered")
			}
		})
	}
	all.Wait()
	if created.Load() != 1 {
		t.Errorf("created %d times", created.Load())
	}
}

// TestAClientIsServedWhileItChanges: there is no moment in which an update makes it
// unknown, or its pages' origin refused.
func TestAClientIsServedWhileItChanges(t *testing.T) {
	w := newWorld(t)
	page := func(n int64) oauth.Registration {
		return reg("web", counter(n), func(r *oauth.Registration) {
			r.GrantTypes, r.RedirectURIs = []oauth.GrantType{oauth.GrantAuthorizationCode}, []string{"https://shop.example/cb"}
			r.TokenEndpointAuthMethod, r.Managed.SecretHashes = oauth.AuthNone, nil
		})
	}
	w.register(t, page(1))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, ok := w.Client("shop.web"); !ok {
					t.Errorf("served %v, in the midst of an update", ok)
					return
				}
			}
		})
	}
	for n := range int64(300) {
		w.register(t, page(n+2))
	}
	close(done)
	readers.Wait()
	if n := w.Counts(); n.Managed != 1 {
		t.Errorf("counted %+v, want one client", n)
	}
}

// brokenStore fails on demand.
type brokenStore struct {
	store.Store
	broken atomic.Bool
}

var errBroken = errors.New("the disk is gone")

func (b *brokenStore) Changes(ctx context.Context, id string, since int64) (store.Changes, error) {
	if b.broken.Load() {
		return store.Changes{}, errBroken
	}
	return b.Store.Changes(ctx, id, since)
}

// TestF13Confirmed: a view that is the store's says so also while nothing changes,
// and one that cannot be confirmed does not.
func TestF13Confirmed(t *testing.T) {
	w := newWorld(t)
	broken := &brokenStore{Store: w.store}
	w.use(broken)
	if !w.Confirmed().IsZero() {
		t.Error("confirmed before it was loaded")
	}
	w.run(t)
	eventually(t, "first confirmation", func() bool { return w.Confirmed().Equal(w.now()) })
	w.clock.Add(10)
	eventually(t, "confirmation while idle", func() bool { return w.Confirmed().Equal(w.now()) })

	broken.broken.Store(true)
	eventually(t, "the failure is logged", func() bool { return w.logs.count("cannot be read") == 1 })
	failed := w.Confirmed()
	w.clock.Add(10)
	if _, _, err := w.Register(t.Context(), "c1", reg("web"), false); !errors.Is(err, errBroken) || oauth.CodeOf(err) != oauth.CodeServerError {
		t.Errorf("registered in a view that nobody can confirm: %v", err)
	}
	if !w.Confirmed().Equal(failed) {
		t.Error("confirmed by a store that cannot be read")
	}

	broken.broken.Store(false)
	eventually(t, "confirmation after recovery", func() bool { return w.Confirmed().Equal(w.now()) })
	if _, ok := w.Client("shop.web"); !ok {
		t.Error("what was committed while nobody could read is not served")
	}
}

// The first second of a new installation is no failure.
func TestWaitingForTheServerKeysIsNoError(t *testing.T) {
	w := newWorld(t)
	keys := w.keys.Swap(&credential.ServerKeys{})
	broken := &brokenStore{Store: w.store}
	w.use(broken)
	w.run(t)
	eventually(t, "the waiting is logged", func() bool { return w.logs.count("level=INFO msg=\"waiting for the server keys") == 1 })
	if w.logs.count("level=ERROR") != 0 {
		t.Error("told as an error")
	}
	broken.broken.Store(true)
	w.keys.Store(keys)
	w.KeysChanged()
	eventually(t, "what fails then is an error", func() bool { return w.logs.count("level=ERROR msg=\"the store cannot be read") == 1 })
	broken.broken.Store(false)
	eventually(t, "its end is logged", func() bool { return w.logs.count("the store can be read again") == 1 })
}

func TestNotLoaded(t *testing.T) {
	w := newWorld(t)
	w.use(w.store)
	if _, err := w.Inventory("c1", "", 0); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("inventory: %v", err)
	}
	if _, err := w.Changes(t.Context(), "c1", "", 0, 0); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("changes: %v", err)
	}
	if _, ok := w.Client("shop.web"); ok || w.StoreID() != "" {
		t.Error("serves something")
	}
}
