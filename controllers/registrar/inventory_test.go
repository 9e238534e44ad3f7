package registrar

import (
	"fmt"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

func entry(name, digest string) oauth.ClientEntry {
	return oauth.ClientEntry{ClientID: "ns." + name, Owner: oauth.Owner{Namespace: "ns", Name: name, UID: "uid-" + name}, Digest: digest}
}

func gone(name string) oauth.ClientEntry {
	return oauth.ClientEntry{ClientID: "ns." + name, Deleted: true}
}

// told is an inventory that notes whom it tells.
type told struct {
	*Inventory
	names []string
}

func newTold() *told {
	t := &told{}
	t.Inventory = newInventory(
		func(o Owner) { t.names = append(t.names, o.Name) },
		func(uid string) { t.names = append(t.names, "policy "+uid) },
	)
	return t
}

func (i *told) want(t *testing.T, names ...string) {
	t.Helper()
	slices.Sort(i.names)
	if !slices.Equal(i.names, names) {
		t.Errorf("told %q, want %q", i.names, names)
	}
	i.names = nil
}

func (i *told) digest(name string) string {
	e, _ := i.Client(Owner{Namespace: "ns", Name: name})
	return e.Digest
}

func TestInventoryTellsOnlyWhatDiffers(t *testing.T) {
	i := newTold()
	i.recordClient("store", 1, entry("early", "x"))
	if i.Synced() || i.digest("early") != "" {
		t.Error("something is recorded before the inventory was read")
	}
	i.replace(oauth.Inventory{StoreID: "store", Revision: 5, Clients: []oauth.ClientEntry{entry("a", "1"), entry("b", "1")},
		Policies: []oauth.PolicyEntry{{UID: "p", Digest: "1"}}})
	i.want(t, "a", "b", "policy p")

	i.recordClient("store", 7, entry("a", "2"))
	i.want(t)
	// The change list brings what was recorded, and what somebody else did.
	i.apply(oauth.Inventory{StoreID: "store", Revision: 8, Clients: []oauth.ClientEntry{entry("a", "2"), entry("b", "changed"), entry("c", "1")}})
	i.want(t, "b", "c")
	i.apply(oauth.Inventory{StoreID: "store", Revision: 9, Clients: []oauth.ClientEntry{gone("b"), gone("unknown")},
		Policies: []oauth.PolicyEntry{{UID: "p", Deleted: true}}})
	i.want(t, "b", "policy p")
}

func TestInventoryIgnoresAnswersOlderThanWhatWasRecorded(t *testing.T) {
	i := newTold()
	i.replace(oauth.Inventory{StoreID: "store", Revision: 1})
	i.recordClient("store", 4, entry("a", "new"))
	i.apply(oauth.Inventory{StoreID: "store", Revision: 3, Clients: []oauth.ClientEntry{entry("a", "old")}})
	i.replace(oauth.Inventory{StoreID: "store", Revision: 3})
	i.want(t)
	if got := i.digest("a"); got != "new" {
		t.Errorf("digest = %q", got)
	}
	i.apply(oauth.Inventory{StoreID: "store", Revision: 5, Clients: []oauth.ClientEntry{entry("a", "newer")}})
	i.want(t, "a")
}

func TestInventoryOfAnotherStoreReplacesEverything(t *testing.T) {
	i := newTold()
	i.replace(oauth.Inventory{StoreID: "one", Revision: 100, Clients: []oauth.ClientEntry{entry("a", "1"), entry("b", "1")}})
	i.names = nil
	if i.apply(oauth.Inventory{StoreID: "two", Revision: 1}) {
		t.Error("a change list of another store was taken in")
	}
	if lost, _ := i.replace(oauth.Inventory{StoreID: "two", Revision: 1, Clients: []oauth.ClientEntry{entry("a", "1")}}); !lost {
		t.Error("the loss was not noticed")
	}
	i.want(t, "b")
	i.recordClient("one", 200, entry("b", "1"))
	if i.digest("b") != "" {
		t.Error("an answer of the lost store was recorded")
	}
}

func TestInventoryFollowsAnOwnerToAnotherClientID(t *testing.T) {
	i := newTold()
	i.replace(oauth.Inventory{StoreID: "s", Revision: 1, Clients: []oauth.ClientEntry{entry("a", "1")}})
	renamed := entry("a", "2")
	renamed.ClientID = "other"
	i.recordClient("s", 2, renamed)
	if e, ok := i.Client(Owner{Namespace: "ns", Name: "a"}); !ok || e.ClientID != "other" {
		t.Errorf("%+v", e)
	}
	i.forgetClient("other", oauth.Owner{Namespace: "ns", Name: "a", UID: "uid-of-another-incarnation"})
	if _, ok := i.Client(Owner{Namespace: "ns", Name: "a"}); !ok {
		t.Error("the deletion of another incarnation was taken for this one's")
	}
	i.forgetClient("other", oauth.Owner{Namespace: "ns", Name: "a", UID: "uid-a"})
	if got := i.state().Clients; got != 0 {
		t.Errorf("%d clients left", got)
	}
}

// TestO1AClientIDHasOneOwner: however the inventory learns that a client id moved from one
// owner to another, the former has none afterwards, and both hear of it; the one that
// registered knows.
func TestO1AClientIDHasOneOwner(t *testing.T) {
	first, second := entry("first", "1"), entry("second", "2")
	second.ClientID = first.ClientID
	for name, c := range map[string]struct {
		move  func(*told)
		tells []string
	}{
		"recorded": {func(i *told) { i.recordClient("s", 2, second) }, []string{"first"}},
		"changes": {func(i *told) {
			i.apply(oauth.Inventory{StoreID: "s", Revision: 2, Clients: []oauth.ClientEntry{second}})
		}, []string{"first", "second"}},
		"comparison": {func(i *told) {
			i.replace(oauth.Inventory{StoreID: "s", Revision: 2, Clients: []oauth.ClientEntry{second}})
		}, []string{"first", "second"}},
	} {
		t.Run(name, func(t *testing.T) {
			i := newTold()
			i.replace(oauth.Inventory{StoreID: "s", Revision: 1, Clients: []oauth.ClientEntry{first}})
			i.names = nil
			c.move(i)
			i.want(t, c.tells...)
			if e, ok := i.Client(Owner{Namespace: "ns", Name: "first"}); ok {
				t.Errorf("the former owner has %+v", e)
			}
			if e, ok := i.Client(Owner{Namespace: "ns", Name: "second"}); !ok || e.Owner != second.Owner {
				t.Errorf("the owner has %+v, %v", e, ok)
			}
			// The late answer of the former owner's DELETE, and of its POST.
			i.forgetClient(first.ClientID, first.Owner)
			i.recordClient("s", 1, first)
			if e, ok := i.Client(Owner{Namespace: "ns", Name: "second"}); !ok || e.Owner != second.Owner {
				t.Errorf("after late answers the owner has %+v, %v", e, ok)
			}
			if n := i.state().Clients; n != 1 {
				t.Errorf("%d clients", n)
			}
		})
	}
}

// TestO1ALateAnswerBringsNothingBack: the answer to a registration, or to a policy, comes
// after the list of changes that told of its deletion, or of what followed it.
func TestO1ALateAnswerBringsNothingBack(t *testing.T) {
	i := newTold()
	i.replace(oauth.Inventory{StoreID: "s", Revision: 1, Clients: []oauth.ClientEntry{entry("a", "1")},
		Policies: []oauth.PolicyEntry{{UID: "p", Digest: "1"}, {UID: "q", Digest: "1"}}})
	i.apply(oauth.Inventory{StoreID: "s", Revision: 5, Clients: []oauth.ClientEntry{gone("a")},
		Policies: []oauth.PolicyEntry{{UID: "p", Deleted: true}, {UID: "q", Digest: "new"}}})
	i.recordClient("s", 3, entry("a", "1"))
	i.recordPolicy("s", 3, oauth.PolicyEntry{UID: "p", Digest: "1"})
	i.recordPolicy("s", 3, oauth.PolicyEntry{UID: "q", Digest: "1"})
	if got := i.digest("a"); got != "" {
		t.Errorf("a deleted client is back: %q", got)
	}
	if got, ok := i.Policy("p"); ok {
		t.Errorf("a deleted policy is back: %q", got)
	}
	if got, _ := i.Policy("q"); got != "new" {
		t.Errorf("policy q is %q", got)
	}
}

func BenchmarkInventoryReplace(b *testing.B) {
	var all oauth.Inventory
	all.StoreID = "s"
	for n := range 10000 {
		all.Clients = append(all.Clients, entry(fmt.Sprint(n), "1"))
	}
	i := newInventory(func(Owner) {}, func(string) {})
	for b.Loop() {
		i.replace(all)
	}
}
