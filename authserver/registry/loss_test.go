package registry

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

func TestF9DatabaseWiped(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	id, revision := w.StoreID(), w.Revision()
	w.close(t)
	w.wipe(t)
	w.open(t)
	if _, ok := w.Client("shop.web"); ok || w.StoreID() == id {
		t.Fatal("the wiped store passes for the one before")
	}
	inv, err := w.Changes(t.Context(), "c1", id, revision, time.Minute)
	if err != nil || !inv.Reset || inv.StoreID == id {
		t.Errorf("the loss is not told: %+v, %v", inv, err)
	}
	// The same request as before, whatever its counter: the same client again.
	w.register(t, reg("web"))
	if c, ok := w.Client("shop.web"); !ok || !w.Keys().MatchAny(c.Secrets, secret) {
		t.Error("the client is not back with its secret")
	}
}

func TestF9EmptiedByHand(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.register(t, reg("web"))
	w.putPolicy(t, orders("p1"))
	id, revision := w.StoreID(), w.Revision()
	w.sql(t, `DELETE FROM clients; DELETE FROM policies`)
	inv := w.waitFor(t, id, revision, func(inv oauth.Inventory) bool { return len(inv.Policies) == 1 })
	if !inv.Policies[0].Deleted {
		t.Errorf("told %+v", inv)
	}
	if _, ok := w.Client("shop.web"); ok || w.Counts() != (Counts{}) {
		t.Errorf("still there: %+v", w.Counts())
	}
	// With its identity gone it is another store.
	since := w.Revision()
	w.sql(t, `DELETE FROM meta`)
	w.waitFor(t, id, since, func(inv oauth.Inventory) bool { return inv.Reset && inv.StoreID != id })
	w.register(t, reg("web"))
}

func TestF10RowDeleted(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.register(t, reg("stays"))
	w.register(t, reg("web"))
	since := w.Revision()
	w.sql(t, `DELETE FROM clients WHERE client_id = 'shop.web'`)
	inv := w.waitFor(t, w.StoreID(), since, anything)
	want := oauth.ClientEntry{ClientID: "shop.web", Owner: reg("web").Managed.Owner, Deleted: true}
	want.Owner.Cluster = "c1"
	if len(inv.Clients) != 1 || inv.Clients[0] != want {
		t.Errorf("told %+v, want %+v", inv.Clients, want)
	}
	if _, ok := w.Client("shop.web"); ok {
		t.Error("still served")
	}
	if resp := w.register(t, reg("web")); resp.ClientID != "shop.web" {
		t.Errorf("back as %q", resp.ClientID)
	}
}

// TestF10RowEdited: whoever can write to the database can take clients away, but
// can make none and change none.
func TestF10RowEdited(t *testing.T) {
	attacks := map[string]string{
		"another secret":       `UPDATE clients SET record = replace(record, '"secrets":["v1:', '"secrets":["v1:x","v1:') WHERE client_id = 'shop.web'`,
		"another scope":        `UPDATE clients SET record = replace(record, 'read write', 'admin') WHERE client_id = 'shop.web'`,
		"a revocation undone":  `UPDATE clients SET record = replace(record, '"counter":1', '"counter":9') WHERE client_id = 'shop.web'`,
		"a neighbour's record": `UPDATE clients SET record = (SELECT record FROM clients WHERE client_id = 'shop.stays'), mac = (SELECT mac FROM clients WHERE client_id = 'shop.stays') WHERE client_id = 'shop.web'`,
		"a neighbour's MAC":    `UPDATE clients SET mac = (SELECT mac FROM clients WHERE client_id = 'shop.stays') WHERE client_id = 'shop.web'`,
		"no MAC":               `UPDATE clients SET mac = '' WHERE client_id = 'shop.web'`,
		"another cluster":      `UPDATE clients SET cluster = 'c2' WHERE client_id = 'shop.web'`,
		"another owner":        `UPDATE clients SET name = 'evil' WHERE client_id = 'shop.web'`,
		"garbage":              `UPDATE clients SET record = 'garbage' WHERE client_id = 'shop.web'`,
	}
	for name, statement := range attacks {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.run(t)
			w.register(t, reg("stays"))
			w.register(t, reg("web"))
			since := w.Revision()
			w.sql(t, statement)
			inv := w.waitFor(t, w.StoreID(), since, anything)
			want := oauth.ClientEntry{ClientID: "shop.web", Owner: reg("web").Managed.Owner, Digest: DigestTampered}
			want.Owner.Cluster = "c1"
			if len(inv.Clients) != 1 || inv.Clients[0] != want {
				t.Errorf("told %+v, want %+v", inv.Clients, want)
			}
			if c, ok := w.Client("shop.web"); ok {
				t.Errorf("served as %+v", c)
			}
			if got := w.Counts(); got != (Counts{Managed: 1, Tampered: 1}) {
				t.Errorf("counts %+v", got)
			}
			w.restored(t)
		})
	}
}

// restored: the registrar's usual request writes over what was edited.
func (w *world) restored(t *testing.T) {
	t.Helper()
	w.register(t, reg("web"))
	c, ok := w.Client("shop.web")
	if !ok || c.Scope != "read write" || !w.Keys().MatchAny(c.Secrets, secret) {
		t.Errorf("not restored: %+v", c)
	}
	if got := w.Counts(); got != (Counts{Managed: 2}) {
		t.Errorf("counts %+v", got)
	}
	if n := w.logs.count("not as this server wrote it"); n != 1 {
		t.Errorf("logged %d times, want once", n)
	}
	if w.logs.count(credential.Hash(secret)) > 0 || w.logs.count("v1:") > 0 {
		t.Error("F36: the log tells hashes")
	}
}

func TestF10RowRenamed(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.register(t, reg("web"))
	since := w.Revision()
	w.sql(t, `UPDATE clients SET client_id = 'shop.evil' WHERE client_id = 'shop.web'`)
	inv := w.waitFor(t, w.StoreID(), since, anything)
	if len(inv.Clients) != 2 {
		t.Errorf("told %+v, want one gone and one tampered", inv.Clients)
	}
	for _, id := range []string{"shop.web", "shop.evil"} {
		if _, ok := w.Client(id); ok {
			t.Errorf("%s is served", id)
		}
	}
	w.register(t, reg("web"))
	if got := w.Counts(); got != (Counts{Managed: 1}) {
		t.Errorf("the renamed row is still there: %+v", got)
	}
}

// TestF10TamperedAtRest: edited while the server was down.
func TestF10TamperedAtRest(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	w.putPolicy(t, orders("p1"))
	w.close(t)
	w.sql(t, `UPDATE clients SET record = replace(record, 'read write', 'admin')`)
	w.sql(t, `UPDATE policies SET record = replace(record, '"read"', '"admin"')`)
	w.open(t)
	inv, err := w.Inventory("c1", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Clients) != 1 || inv.Clients[0].Digest != DigestTampered || len(inv.Policies) != 1 || inv.Policies[0].Digest != DigestTampered {
		t.Errorf("inventory %+v", inv)
	}
	if _, ok := w.Client("shop.web"); ok {
		t.Error("the tampered client is served")
	}
	owner := reg("web").Managed.Owner
	owner.Cluster = "c1"
	if err := w.Deregister(t.Context(), "shop.web", owner, 0); err != nil {
		t.Errorf("deregister: %v", err)
	}
	w.putPolicy(t, orders("p1"))
	if got := w.Counts(); got != (Counts{Policies: 1}) {
		t.Errorf("counts %+v", got)
	}
}

func TestF10PolicyEdited(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.putPolicy(t, orders("p1"))
	w.putPolicy(t, orders("p2"))
	since := w.Revision()
	w.sql(t, `UPDATE policies SET record = replace(record, '"read"', '"admin"'), cluster = 'c2' WHERE uid = 'p1'`)
	inv := w.waitFor(t, w.StoreID(), since, anything)
	if len(inv.Policies) != 1 || inv.Policies[0] != (oauth.PolicyEntry{UID: "p1", Digest: DigestTampered}) {
		t.Errorf("told %+v", inv.Policies)
	}
	for _, scope := range []string{"admin", "read"} {
		d := w.Policies().Decide(policy.Client{Cluster: "c1", Namespace: "shop"}, "https://p1.example.com", scope, oauth.GrantClientCredentials)
		if d.Granted {
			t.Errorf("the tampered policy grants %s", scope)
		}
	}
	w.putPolicy(t, orders("p1"))
	if got := w.Counts(); got != (Counts{Policies: 2}) {
		t.Errorf("counts %+v", got)
	}
}

// TestServerKeysReplaced: their loss is the store's loss, also at run time.
func TestServerKeysReplaced(t *testing.T) {
	for name, notice := range map[string]func(*testing.T, *world){
		"by the next request": func(t *testing.T, w *world) { w.register(t, reg("other")) },
		"by Run":              func(t *testing.T, w *world) { w.run(t); w.KeysChanged() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.register(t, reg("web"))
			id, revision := w.StoreID(), w.Revision()
			w.newKeys(t)
			notice(t, w)
			w.waitFor(t, id, revision, func(inv oauth.Inventory) bool { return inv.Reset && inv.StoreID != id })
			if _, ok := w.Client("shop.web"); ok {
				t.Error("a client of the lost keys is served")
			}
			w.register(t, reg("web"))
			if c, ok := w.Client("shop.web"); !ok || !w.Keys().MatchAny(c.Secrets, secret) {
				t.Error("not registered again")
			}
			if w.Counts().Tampered != 0 {
				t.Errorf("counts %+v", w.Counts())
			}
		})
	}
}

// TestServerKeyVersionAdded is no loss.
func TestServerKeyVersionAdded(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	id := w.StoreID()
	keys := *w.keys.Load()
	other, err := credential.NewServerKeys(w.now())
	if err != nil {
		t.Fatal(err)
	}
	second := other.Keys[0]
	second.Version = 2
	keys.Keys = append(keys.Keys[:1:1], second)
	w.keys.Store(&keys)
	w.close(t)
	w.open(t)
	w.register(t, reg("new"))
	if w.StoreID() != id || w.Counts() != (Counts{Managed: 2}) {
		t.Errorf("store %s was %s, counts %+v", w.StoreID(), id, w.Counts())
	}
	for _, client := range []string{"shop.web", "shop.new"} {
		if c, ok := w.Client(client); !ok || !w.Keys().MatchAny(c.Secrets, secret) {
			t.Errorf("%s: the secret does not match", client)
		}
	}
}

// TestAClientUnderANewerServerKeyIsAnOutage: another replica had the key first. Were the
// row taken for tampered, the operator would register the client anew, and its refresh
// tokens would end.
func TestAClientUnderANewerServerKeyIsAnOutage(t *testing.T) {
	w := newWorld(t)
	before := *w.keys.Load()
	other, err := credential.NewServerKeys(w.now())
	if err != nil {
		t.Fatal(err)
	}
	second, after := other.Keys[0], before
	second.Version = 2
	after.Keys = append(after.Keys[:1:1], second)
	w.keys.Store(&after)
	w.register(t, reg("web"))

	w.use(w.store) // as another replica
	w.keys.Store(&before)
	if err := w.Load(t.Context()); err == nil || w.Counts().Tampered != 0 {
		t.Errorf("error %v, counts %+v, want an outage", err, w.Counts())
	}
	w.keys.Store(&after)
	if err := w.Load(t.Context()); err != nil || w.Counts() != (Counts{Managed: 1}) {
		t.Errorf("with the key: error %v, counts %+v", err, w.Counts())
	}
}
