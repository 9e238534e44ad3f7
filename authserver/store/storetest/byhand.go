package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// What is done to the rows with the database's own tool (F10) is told like any
// other change.

func f10Deleted(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	w.put(t, client("b", owner("b")))
	since := w.putPolicy(t, samplePolicy("p"))
	w.sql(t, `DELETE FROM clients`)
	w.sql(t, `DELETE FROM policies WHERE uid = 'p'`)
	ch := w.await(t, since)
	if ch.Full || len(ch.DeletedClients) != 2 || len(ch.DeletedPolicies) != 1 {
		t.Errorf("got %+v, want two clients and a policy deleted", ch)
	}
}

func f10Edited(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	w.put(t, client("b", owner("b")))
	since := w.putPolicy(t, samplePolicy("p"))
	for _, statement := range []string{
		`UPDATE clients SET record = replace(record, 'v1:first', 'v1:forged') WHERE client_id = 'a'`,
		`UPDATE clients SET mac = 'forged' WHERE client_id = 'a'`,
		`UPDATE clients SET name = 'c', revision = 0 WHERE client_id = 'a'`,
		`UPDATE policies SET record = replace(record, 'orders.read', 'orders.all')`,
	} {
		w.sql(t, statement)
		ch := w.await(t, since)
		if len(ch.Clients)+len(ch.Policies) != 1 {
			t.Errorf("%s: told %+v, want the one row", statement, ch)
		}
		since = ch.Revision
	}
	wantDiff(t, "the columns, and nothing else", []store.Client{tampered("a", "c"), client("b", owner("b"))}, w.changes(t, 0).Clients)
	if err := w.SQL(t, `UPDATE clients SET name = 'b' WHERE client_id = 'a'`); err == nil {
		t.Error("an owner has two clients now")
	}
}

// tampered is what is told of a client's row, whose columns name an owner.
func tampered(id, name string) store.Client {
	o := oauth.Owner{Cluster: "cluster-1", Namespace: "shop", Name: name}
	return store.Client{Registration: oauth.Registration{ClientID: id, Managed: &oauth.Managed{Owner: o}}, Tampered: true}
}

func f10Renamed(t *testing.T, w *world) {
	since := w.put(t, client("a", owner("a")))
	w.sql(t, `UPDATE clients SET client_id = 'z' WHERE client_id = 'a'`)
	ch := w.await(t, since)
	wantDiff(t, "deleted", []string{"a"}, ch.DeletedClients)
	if len(ch.Clients) != 1 || ch.Clients[0].Registration.ClientID != "z" || !ch.Clients[0].Tampered {
		t.Errorf("told %+v, want z, tampered", ch.Clients)
	}
	// Its owner can get rid of it and have the right one back.
	a := client("a", owner("a"))
	if seen := w.existing(t, owner("a"), "a"); seen.ByOwner == nil || seen.ByOwner.Registration.ClientID != "z" {
		t.Fatalf("the owner's row is %+v, want z", seen.ByOwner)
	}
	w.change(t, a, store.ClientChange{Delete: "z", Put: &a})
	wantDiff(t, "everything", []store.Client{a}, w.changes(t, 0).Clients)
}

func f10Garbage(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	since := w.putPolicy(t, samplePolicy("p"))
	for _, record := range []string{``, `garbage`, `null`, `[]`, `{"v":1}`, `{"v":99}`, `{"registration":{}}`, `{"v":"1"}`} {
		w.sql(t, `UPDATE clients SET record = '`+record+`'`)
		w.sql(t, `UPDATE policies SET record = '`+record+`'`)
		ch := w.changes(t, since)
		if len(ch.Clients) != 1 || ch.Clients[0].Registration.ClientID != "a" || !ch.Clients[0].Tampered {
			t.Errorf("record %q: told %+v, want a, tampered", record, ch.Clients)
		}
		if len(ch.Policies) != 1 || ch.Policies[0].UID != "p" || !ch.Policies[0].Tampered {
			t.Errorf("record %q: told %+v, want p, tampered", record, ch.Policies)
		}
	}
}

// f10Copied: a copy of a good row under another id must not pass for a client,
// whatever its owner columns say.
func f10Copied(t *testing.T, w *world) {
	w.put(t, client("a", owner("a")))
	w.sql(t, `INSERT INTO clients (client_id, cluster, namespace, name, record, mac)
		SELECT 'evil', cluster, namespace, 'evil', record, mac FROM clients WHERE client_id = 'a'`)
	if got, err := w.store.Client(t.Context(), "evil"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the copy is %+v, %v", got, err)
	}
	wantDiff(t, "told", []store.Client{client("a", owner("a")), tampered("evil", "evil")}, w.changes(t, 0).Clients)
	err := w.SQL(t, `INSERT INTO clients (client_id, cluster, namespace, name, record, mac)
		SELECT 'evil2', cluster, namespace, name, record, mac FROM clients WHERE client_id = 'a'`)
	if err == nil {
		t.Error("an owner has two clients now")
	}
}

func f10Meta(t *testing.T, w *world) {
	since := w.put(t, client("a", owner("a")))
	id := w.id
	w.sql(t, `UPDATE meta SET revision = 1`)
	if ch := w.await(t, since); !ch.Full || len(ch.Clients) != 1 {
		t.Errorf("revision set back: %+v, want everything", ch)
	}
	w.sql(t, `DELETE FROM meta`)
	if _, err := w.store.Changes(t.Context(), id, since); !errors.Is(err, store.ErrNotBound) {
		t.Errorf("error %v, want ErrNotBound", err)
	}
	if wiped := w.bind(t, "keys-1"); !wiped || w.id == id {
		t.Errorf("store %q was %q before, wiped %v", w.id, id, wiped)
	}
	w.put(t, client("a", owner("a")))
}
