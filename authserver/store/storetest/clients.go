package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

func clientRoundTrip(t *testing.T, w *world) {
	c := client("shop.web", owner("web"))
	revision := w.put(t, c)
	got, err := w.store.Client(t.Context(), "shop.web")
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "client", c, got)
	if got.Revision != revision {
		t.Errorf("the record has revision %d, the write returned %d", got.Revision, revision)
	}
	seen := w.existing(t, owner("web"), "shop.web")
	wantDiff(t, "by owner", &c, seen.ByOwner)
	wantDiff(t, "by id", &c, seen.ByID)
}

func clientAbsent(t *testing.T, w *world) {
	if _, err := w.store.Client(t.Context(), "shop.web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	w.put(t, client("shop.web", owner("web")))
	seen := w.existing(t, owner("other"), "shop.other")
	if seen.ByID != nil || seen.ByOwner != nil {
		t.Errorf("found %+v of nobody", seen)
	}
	// Neither the cluster nor the uid is left out, or counted, by mistake.
	elsewhere := owner("web")
	elsewhere.Cluster = "cluster-2"
	if seen := w.existing(t, elsewhere, "x"); seen.ByOwner != nil {
		t.Error("found the client of an owner in another cluster")
	}
	reborn := owner("web")
	reborn.UID = "uid-of-a-later-incarnation"
	if seen := w.existing(t, reborn, "x"); seen.ByOwner == nil {
		t.Error("did not find the client of the owner's earlier incarnation")
	}
}

func clientReplaced(t *testing.T, w *world) {
	c := client("shop.web", owner("web"))
	first := w.put(t, c)
	c.Secrets = []string{"v1:third"}
	if second := w.put(t, c); second <= first {
		t.Errorf("revision went from %d to %d", first, second)
	}
	wantDiff(t, "everything", []store.Client{c}, w.changes(t, 0).Clients)
}

func clientChangesID(t *testing.T, w *world) {
	before := client("shop.old", owner("web"))
	w.put(t, before)
	after := client("shop.new", owner("web"))
	w.change(t, after, store.ClientChange{Delete: "shop.old", Put: &after})
	wantDiff(t, "everything", []store.Client{after}, w.changes(t, 0).Clients)
}

func decideError(t *testing.T, w *world) {
	sentinel := oauth.StaleCounter("stale")
	before := w.revision(t)
	_, err := w.store.ChangeClient(t.Context(), owner("web"), "shop.web", func(store.ExistingClients) (store.ClientChange, error) {
		c := client("shop.web", owner("web"))
		return store.ClientChange{Put: &c}, sentinel
	})
	if !errors.Is(err, sentinel) {
		t.Errorf("error %v, want what decide returned", err)
	}
	_, err = w.store.ChangePolicy(t.Context(), "uid", func(*store.Policy) (store.PolicyChange, error) {
		p := samplePolicy("uid")
		return store.PolicyChange{Put: &p}, sentinel
	})
	if !errors.Is(err, sentinel) {
		t.Errorf("error %v, want what decide returned", err)
	}
	if ch := w.changes(t, before); ch.Revision != before {
		t.Errorf("something was written: %+v", ch)
	}
}

func zeroChange(t *testing.T, w *world) {
	before, writes := w.revision(t), w.store.Writes()
	if after := w.change(t, client("shop.web", owner("web")), store.ClientChange{}); after != before {
		t.Errorf("revision %d, want %d", after, before)
	}
	if after := w.changePolicy(t, "uid", store.PolicyChange{}); after != before {
		t.Errorf("revision %d, want %d", after, before)
	}
	if w.store.Writes() != writes {
		t.Error("a change of nothing counts as a write")
	}
}

func oneClientPerOwner(t *testing.T, w *world) {
	w.put(t, client("shop.web", owner("web")))
	_, err := w.store.ChangeClient(t.Context(), owner("web"), "shop.second", func(store.ExistingClients) (store.ClientChange, error) {
		c := client("shop.second", owner("web"))
		return store.ClientChange{Put: &c}, nil
	})
	if err == nil {
		t.Error("an owner has two clients now")
	}
	// Clients of nobody (self-registered) are as many as there are.
	for _, id := range []string{"self-1", "self-2"} {
		c := client(id, oauth.Owner{})
		c.Registration.Managed = nil
		_, err := w.store.ChangeClient(t.Context(), oauth.Owner{}, id, func(e store.ExistingClients) (store.ClientChange, error) {
			if e.ByOwner != nil {
				t.Errorf("nobody's owner has client %q", e.ByOwner.Registration.ClientID)
			}
			return store.ClientChange{Put: &c}, nil
		})
		if err != nil {
			t.Errorf("self-registered client %q: %v", id, err)
		}
	}
}

// hostile texts that a database must take as they are.
var hostile = []string{
	`'; DROP TABLE clients; --`, `" OR ""="`, `%`, `_`, `\`, `\'`, `$1`, `?1`, `:name`, `/*`,
	"line\nbreak", "\u202e\U0001F511", `<script>`, `{"v":9}`, `''`,
}

func a16Clients(t *testing.T, w *world) {
	var all []store.Client
	for _, text := range hostile {
		c := client("id"+text, oauth.Owner{Cluster: text, Namespace: "ns" + text, Name: text, UID: text})
		c.Registration.ClientName, c.Registration.Scope = text, text
		c.Registration.Managed.ClientLabels = map[string]string{text: text}
		c.Secrets, c.RegistrationToken, c.Digest = []string{text}, text, text
		w.put(t, c)
		all = append(all, c)
	}
	for _, c := range all {
		id := c.Registration.ClientID
		got, err := w.store.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		wantDiff(t, id, c, got)
		seen := w.existing(t, c.Registration.Managed.Owner, id)
		wantDiff(t, id+" by owner", &c, seen.ByOwner)
	}
	wantDiff(t, "everything", all, w.changes(t, 0).Clients)
	since := w.revision(t)
	w.remove(t, all[0])
	wantDiff(t, "deleted", []string{all[0].Registration.ClientID}, w.changes(t, since).DeletedClients)
	if n := len(w.changes(t, 0).Clients); n != len(all)-1 {
		t.Errorf("%d clients are left of %d after one was deleted", n, len(all))
	}
	for _, text := range hostile {
		if ch, err := w.store.Changes(t.Context(), text, 1); err != nil || !ch.Full {
			t.Errorf("changes of store %q: full %v, %v", text, ch.Full, err)
		}
	}
}

// a16NUL: a database that cannot keep the character 0 says so; cutting the text off
// there would make one name of two.
func a16NUL(t *testing.T, w *world) {
	c := client("a\x00b", owner("a\x00b"))
	w.put(t, client("a", owner("a")))
	_, err := w.store.ChangeClient(t.Context(), owner("a\x00b"), "a\x00b", func(store.ExistingClients) (store.ClientChange, error) {
		return store.ClientChange{Put: &c}, nil
	})
	got, readErr := w.store.Client(t.Context(), "a\x00b")
	if err != nil {
		if !errors.Is(readErr, store.ErrNotFound) {
			t.Errorf("refused (%v), and read as %+v, %v", err, got, readErr)
		}
		return
	}
	if readErr != nil {
		t.Fatal(readErr)
	}
	wantDiff(t, "the client with a NUL", c, got)
}

func a16Policies(t *testing.T, w *world) {
	for _, text := range hostile {
		p := samplePolicy("uid" + text)
		p.Cluster, p.Namespace, p.Name, p.Resource = text, text, text, text
		p.Scopes = []policy.Scope{{Name: text, Description: text}}
		since := w.revision(t)
		w.putPolicy(t, p)
		wantDiff(t, text, []store.Policy{p}, w.changes(t, since).Policies)
		since = w.revision(t)
		w.changePolicy(t, p.UID, store.PolicyChange{Delete: true})
		wantDiff(t, text, []string{p.UID}, w.changes(t, since).DeletedPolicies)
	}
}

func policyLife(t *testing.T, w *world) {
	p := samplePolicy("uid-1")
	w.putPolicy(t, p)
	p.Generation = 4
	revision, err := w.store.ChangePolicy(t.Context(), "uid-1", func(existing *store.Policy) (store.PolicyChange, error) {
		if existing == nil || existing.Generation != 3 {
			t.Errorf("decide saw %+v", existing)
		}
		return store.PolicyChange{Put: &p}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := w.changes(t, 0)
	wantDiff(t, "everything", []store.Policy{p}, all.Policies)
	if all.Policies[0].Revision != revision {
		t.Errorf("the record has revision %d, the write returned %d", all.Policies[0].Revision, revision)
	}
	w.changePolicy(t, "uid-1", store.PolicyChange{Delete: true})
	if left := w.changes(t, 0).Policies; len(left) != 0 {
		t.Errorf("left after deletion: %+v", left)
	}
}
