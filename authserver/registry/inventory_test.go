package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// TestF14MoreClientsThanAPage: page by page everything once, in order.
func TestF14MoreClientsThanAPage(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.register(t, reg(fmt.Sprintf("web-%02d", i)))
	}
	if _, _, err := w.Register(t.Context(), "c2", reg("of-another-cluster"), false); err != nil {
		t.Fatal(err)
	}
	w.putPolicy(t, orders("p1"))
	w.sql(t, `UPDATE clients SET mac = '' WHERE client_id = 'shop.web-07'`)
	if err := w.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ids []string
	page, pages, revision := "", 0, w.Revision()
	for {
		inv, err := w.Inventory("c1", page, 10)
		if err != nil {
			t.Fatal(err)
		}
		if (inv.Revision == revision) != (pages == 0) || inv.StoreID != w.StoreID() || (len(inv.Policies) == 1) != (pages == 0) {
			t.Errorf("page %d: revision %d, %d policies", pages, inv.Revision, len(inv.Policies))
		}
		for _, c := range inv.Clients {
			ids = append(ids, c.ClientID)
			if (c.Digest == DigestTampered) != (c.ClientID == "shop.web-07") {
				t.Errorf("%s has digest %s", c.ClientID, c.Digest)
			}
		}
		pages++
		if page = inv.Next; page == "" {
			break
		}
		// What happens in between is told by Changes since the first page.
		w.register(t, reg(fmt.Sprintf("web-%02d-later", pages)))
	}
	for i := range 25 {
		if want := fmt.Sprintf("shop.web-%02d", i); strings.Count(" "+strings.Join(ids, " ")+" ", " "+want+" ") != 1 {
			t.Errorf("%s is not there exactly once: %v", want, ids)
		}
	}
	inv, err := w.Changes(t.Context(), "c1", w.StoreID(), revision, 0)
	if err != nil || len(inv.Clients) != pages-1 {
		t.Errorf("%d changes since the first page, %v, want %d", len(inv.Clients), err, pages-1)
	}
}

// A16: a page is a place in the order of client ids. A forged or stale one is refused, or
// a correct page of the caller's own cluster.
func TestA16ForgedPageTokens(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.register(t, reg(fmt.Sprintf("web-%d", i)))
	}
	if _, _, err := w.Register(t.Context(), "c2", reg("web-9"), false); err != nil {
		t.Fatal(err)
	}
	list := func(cluster, page string) string {
		t.Helper()
		inv, err := w.Inventory(cluster, page, 0)
		if err != nil || inv.StoreID != w.StoreID() {
			t.Fatalf("page %q: %+v, %v", page, inv, err)
		}
		var ids []string
		for _, c := range inv.Clients {
			ids = append(ids, c.ClientID)
		}
		return strings.Join(ids, " ")
	}
	first, err := w.Inventory("c1", "", 1)
	if err != nil || first.Next != "shop.web-0" {
		t.Fatal(first, err)
	}
	for page, want := range map[string]string{
		first.Next: "shop.web-1 shop.web-2", "shop.web-1": "shop.web-2", // forged, as it were
		"shop.web-1x": "shop.web-2", "a": "shop.web-0 shop.web-1 shop.web-2", "zzz": "", "shop.web-9": "", // no such client, or another cluster's
	} {
		if got := list("c1", page); got != want {
			t.Errorf("page %s: %q, want %q", page, got, want)
		}
	}
	if got := list("c2", first.Next); got != "shop.web-9" {
		t.Errorf("another cluster's: %q", got)
	}
	for _, page := range []string{"' OR 1=1 --", "%", " ", "a\x00", "eyJwIjp7fX0=", strings.Repeat("A", 1<<20), "\xff", "../a"} {
		if inv, err := w.Inventory("c1", page, 1); oauth.CodeOf(err) != oauth.CodeInvalidRequest {
			t.Errorf("page %.20q: %+v, %v, want invalid_request", page, inv, err)
		}
	}
	w.close(t)
	w.wipe(t)
	w.open(t)
	if got := list("c1", first.Next); got != "" {
		t.Errorf("an earlier store's: %q", got)
	}
}

func TestChangesWakesAtOnce(t *testing.T) {
	w := newWorld(t)
	id, since := w.StoreID(), w.Revision()
	told := make(chan oauth.Inventory, 1)
	go func() {
		inv, err := w.Changes(t.Context(), "c1", id, since, time.Hour)
		if err != nil {
			t.Error(err)
		}
		told <- inv
	}()
	// Nothing for c1, and so no reason to answer.
	if _, _, err := w.Register(t.Context(), "c2", reg("neighbour"), false); err != nil {
		t.Fatal(err)
	}
	resp := w.register(t, reg("web"))
	inv := <-told
	if len(inv.Clients) != 1 || inv.Clients[0].ClientID != "shop.web" || inv.Clients[0].Digest != resp.Digest || inv.Revision != resp.Revision {
		t.Errorf("told %+v of %+v", inv, resp)
	}
}

func TestChangesEnds(t *testing.T) {
	w := newWorld(t)
	id, since := w.StoreID(), w.Revision()
	inv, err := w.Changes(t.Context(), "c1", id, since, time.Millisecond)
	if err != nil || inv.Reset || len(inv.Clients) != 0 || inv.Revision != since {
		t.Errorf("nothing happened: %+v, %v", inv, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Changes(ctx, "c1", id, since, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestChangesReset(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web"))
	id, since := w.StoreID(), w.Revision()
	for name, of := range map[string]struct {
		id    string
		since int64
	}{
		"another store": {"another", since},
		"no store":      {"", since},
		"the future":    {id, since + 1},
		"zero":          {id, 0},
		"negative":      {id, -1},
	} {
		inv, err := w.Changes(t.Context(), "c1", of.id, of.since, time.Hour)
		if err != nil || !inv.Reset || inv.StoreID != id || inv.Revision != since {
			t.Errorf("%s: %+v, %v, want a reset", name, inv, err)
		}
	}
}

// TestChangesOnceEach: the last state of each record, in the order of its change.
func TestChangesOnceEach(t *testing.T) {
	w := newWorld(t)
	since := w.Revision()
	w.register(t, reg("a"))
	w.register(t, reg("b"))
	last := w.register(t, reg("a", counter(2)))
	w.register(t, reg("gone"))
	owner := reg("gone").Managed.Owner
	owner.Cluster = "c1"
	if err := w.Deregister(t.Context(), "shop.gone", owner, 1); err != nil {
		t.Fatal(err)
	}
	inv, err := w.Changes(t.Context(), "c1", w.StoreID(), since, 0)
	if err != nil || len(inv.Clients) != 3 {
		t.Fatalf("%+v, %v", inv, err)
	}
	if b, a, gone := inv.Clients[0], inv.Clients[1], inv.Clients[2]; b.ClientID != "shop.b" || a.Digest != last.Digest || !gone.Deleted || gone.Owner != owner {
		t.Errorf("told %+v", inv.Clients)
	}
}

func TestChangeLogIsBounded(t *testing.T) {
	var s state
	s.reset("id", 10)
	for i := range int64(5 * logLength) {
		s.revision = 11 + i
		s.note(change{revision: s.revision, id: "x"})
	}
	if len(s.log) > 2*logLength {
		t.Errorf("%d entries", len(s.log))
	}
	if s.knows("id", s.floor-1) || !s.knows("id", s.floor) || s.floor != s.log[0].revision-1 {
		t.Errorf("floor %d, the log begins with %d", s.floor, s.log[0].revision)
	}
	if n := len(s.since(s.revision - 3)); n != 3 {
		t.Errorf("%d since, want 3", n)
	}
}
