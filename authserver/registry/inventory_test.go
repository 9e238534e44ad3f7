package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// TestF14MoreClientsThanAPage: page by page everything once, in order, with the
// revision of the first page.
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
		if inv.Revision != revision || inv.StoreID != w.StoreID() || (len(inv.Policies) == 1) != (pages == 0) {
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

func TestA16ForgedPageTokens(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.register(t, reg(fmt.Sprintf("web-%d", i)))
	}
	first, err := w.Inventory("c1", "", 1)
	if err != nil || first.Next == "" {
		t.Fatal(first, err)
	}
	good := first.Next
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	tests := map[string]string{
		"garbage":        "garbage",
		"SQL":            "' OR 1=1 --",
		"a number":       "10",
		"truncated":      good[:len(good)-1],
		"padded":         good + "=",
		"a byte more":    good + "A",
		"another start":  encode(strings.Replace(string(raw), "web-0", "web-1", 1)),
		"no MAC":         encode(`{"p":{"c":"c1","s":"` + w.StoreID() + `","r":1,"a":""},"m":""}`),
		"no start":       encode(`{"m":"v1:x"}`),
		"null":           encode(`null`),
		"deep":           encode(strings.Repeat("[", 700)),
		"long":           strings.Repeat("A", 1<<20),
		"other standard": base64.StdEncoding.EncodeToString([]byte(string(raw) + "??>")),
	}
	for name, page := range tests {
		t.Run(name, func(t *testing.T) {
			if inv, err := w.Inventory("c1", page, 1); oauth.CodeOf(err) != oauth.CodeInvalidRequest {
				t.Errorf("got %+v, %v, want invalid_request", inv, err)
			}
		})
	}
	if _, err := w.Inventory("c1", good, 1); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if _, err := w.Inventory("c2", good, 1); oauth.CodeOf(err) != oauth.CodeInvalidRequest {
		t.Errorf("another cluster's: %v", err)
	}
	w.close(t)
	w.wipe(t)
	w.open(t)
	if _, err := w.Inventory("c1", good, 1); oauth.CodeOf(err) != oauth.CodeInvalidRequest {
		t.Errorf("an earlier store's: %v", err)
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
