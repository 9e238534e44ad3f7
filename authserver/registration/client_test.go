package registration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

var now = time.Date(2031, 5, 6, 7, 8, 9, 987_000_000, time.UTC)

const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// reg is a valid registration of shop/web, incarnation uid-1, changed by edit.
func reg(edit ...func(*oauth.Registration)) oauth.Registration {
	r := oauth.Registration{
		ClientID:   "shop.web",
		GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials},
		Scope:      "write read",
		Managed: &oauth.Managed{
			Owner:                 oauth.Owner{Cluster: "c1", Namespace: "shop", Name: "web", UID: "uid-1"},
			Counter:               5,
			Generation:            3,
			SecretHashes:          []string{hash},
			RegistrationTokenHash: hash,
		},
	}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func request(edit ...func(*oauth.Registration)) Request {
	return Request{Registration: reg(edit...), Secrets: []string{"sealed"}, RegistrationToken: "sealed-token", Now: now}
}

// stored is the client that a registration made an hour ago.
func stored(edit ...func(*oauth.Registration)) *store.Client {
	req := request(edit...)
	req.Now = now.Add(-time.Hour)
	c := record(req, nil)
	c.Revision = 7
	return &c
}

func of(owner, id *store.Client) Existing {
	return Existing{ExistingClients: store.ExistingClients{ByOwner: owner, ByID: id}}
}

func both(c *store.Client) Existing { return of(c, c) }

func uid(s string) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Owner.UID = s }
}
func name(s string) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Owner.Name = s }
}
func cluster(s string) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Owner.Cluster = s }
}
func counter(n int64) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Counter = n }
}
func generation(n int64) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Generation = n }
}
func adopt(s string) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.Managed.Adopt = s }
}
func clientID(s string) func(*oauth.Registration) {
	return func(r *oauth.Registration) { r.ClientID = s }
}
func orphaned(r *oauth.Registration)                                   { r.Managed.Orphaned = true }
func disabled(r *oauth.Registration)                                   { r.Managed.Disabled = true }
func selfMade(r *oauth.Registration)                                   { r.Managed = nil }
func withoutID(r *oauth.Registration)                                  { r.ClientID = "" }
func shuffled(r *oauth.Registration)                                   { r.Scope = "read write read" }
func badHash(r *oauth.Registration)                                    { r.Managed.SecretHashes = []string{"plain"} }
func otherHash(r *oauth.Registration)                                  { r.Managed.SecretHashes = []string{strings.Repeat("a", 64)} }
func edits(e ...func(*oauth.Registration)) []func(*oauth.Registration) { return e }

func TestDecideRefuses(t *testing.T) {
	tests := []struct {
		name    string
		req     []func(*oauth.Registration)
		update  bool
		have    Existing
		want    oauth.Code
		cause   error
		counter int64
	}{
		{name: "A10 no registrar's part", req: edits(selfMade), want: oauth.CodeInvalidClientMetadata},
		{name: "no client id", req: edits(withoutID), want: oauth.CodeInvalidClientMetadata},
		{name: "invalid content", req: edits(badHash), want: oauth.CodeInvalidClientMetadata},
		{name: "F17 id of another owner", have: of(nil, stored(name("other"))), want: oauth.CodeClientIDTaken, cause: store.ErrClientIDTaken},
		{name: "F32 id of another cluster", have: of(nil, stored(cluster("c2"))), want: oauth.CodeClientIDTaken, cause: store.ErrClientIDTaken},
		{name: "id of a self-registered client", have: of(nil, &store.Client{Registration: oauth.Registration{ClientID: "shop.web"}}), want: oauth.CodeClientIDTaken, cause: store.ErrClientIDTaken},
		{name: "F7 lower counter", req: edits(counter(4)), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "F7 same counter, lower generation", req: edits(generation(2)), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "another incarnation, lower counter", req: edits(uid("uid-2"), counter(4)), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "another incarnation, same counter", req: edits(uid("uid-2")), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "adopting what is no orphan", req: edits(uid("uid-2"), adopt("uid-1")), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "adopting another orphan", req: edits(uid("uid-2"), adopt("uid-0")), have: both(stored(orphaned)), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "adopting with a lower counter", req: edits(uid("uid-2"), adopt("uid-1"), counter(4)), have: both(stored(orphaned)), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "same incarnation, another id", req: edits(clientID("shop.new"), counter(6)), have: of(stored(), nil), want: oauth.CodeInvalidClientMetadata},
		{name: "adopting under another id", req: edits(uid("uid-2"), adopt("uid-1"), clientID("shop.new")), have: of(stored(orphaned), nil), want: oauth.CodeInvalidClientMetadata},
		{name: "update of an absent client", update: true, want: oauth.CodeInvalidToken, cause: store.ErrNotFound},
		{name: "update of another cluster's", update: true, have: of(nil, stored(cluster("c2"))), want: oauth.CodeInvalidToken, cause: store.ErrNotFound},
		{name: "update of a self-registered client", update: true, have: of(nil, &store.Client{}), want: oauth.CodeInvalidToken, cause: store.ErrNotFound},
		{name: "update by another owner", update: true, have: of(nil, stored(name("other"))), want: oauth.CodeOwnerMismatch, cause: store.ErrOwnerMismatch},
		{name: "F17 update by another incarnation", update: true, req: edits(uid("uid-2"), counter(6)), have: both(stored()), want: oauth.CodeOwnerMismatch, cause: store.ErrOwnerMismatch},
		{name: "update with a lower counter", update: true, req: edits(counter(4)), have: both(stored()), want: oauth.CodeStaleCounter, cause: store.ErrStale, counter: 5},
		{name: "update of a tampered row", update: true, have: Existing{ExistingClients: store.ExistingClients{ByOwner: stored(), ByID: stored()}, OwnerTampered: true, IDTampered: true}, want: oauth.CodeInvalidToken, cause: store.ErrNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := request(test.req...)
			req.Update = test.update
			change, _, err := Decide(req, test.have)
			if oauth.CodeOf(err) != test.want {
				t.Fatalf("error %v, want %s", err, test.want)
			}
			if change != (store.ClientChange{}) {
				t.Errorf("a refusal changes %+v", change)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("error %v, want cause %v", err, test.cause)
			}
			if n, _ := StoredCounter(err); n != test.counter {
				t.Errorf("stored counter %d, want %d", n, test.counter)
			}
		})
	}
}

func TestDecideAccepts(t *testing.T) {
	second := now.Truncate(time.Second)
	ago := second.Add(-time.Hour)
	revoked := stored()
	revoked.NotBefore = ago.Add(time.Minute)
	orphan := stored(orphaned)
	orphan.NotBefore = ago.Add(time.Minute)
	tests := []struct {
		name      string
		req       []func(*oauth.Registration)
		update    bool
		have      Existing
		delete    string
		created   time.Time
		notBefore time.Time
		out       Outcome // without Client
	}{
		{name: "new", created: second, out: Outcome{Created: true}},
		{name: "higher counter", req: edits(counter(6)), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "higher generation", req: edits(generation(4)), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "lower generation at a higher counter", req: edits(generation(1), counter(6)), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "labels or policies changed only", req: edits(disabled), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "secret changed only", req: edits(otherHash), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "update", update: true, req: edits(counter(6)), have: both(revoked), created: ago, notBefore: revoked.NotBefore},
		{name: "another incarnation ends old tokens", req: edits(uid("uid-2"), counter(6)), have: both(stored()), created: ago, notBefore: second, out: Outcome{Replaced: true}},
		{name: "another incarnation, lower generation", req: edits(uid("uid-2"), counter(6), generation(1)), have: both(stored()), created: ago, notBefore: second, out: Outcome{Replaced: true}},
		{name: "another incarnation, another id", req: edits(uid("uid-2"), counter(6), clientID("shop.new")), have: of(stored(), nil), delete: "shop.web", created: second, notBefore: second, out: Outcome{Replaced: true}},
		{name: "an orphan is adopted with its tokens", req: edits(uid("uid-2"), adopt("uid-1")), have: both(orphan), created: ago, notBefore: orphan.NotBefore},
		{name: "an orphan is not adopted unasked", req: edits(uid("uid-2"), counter(6)), have: both(orphan), created: ago, notBefore: second, out: Outcome{Replaced: true}},
		{name: "F10 tampered row is written over, whatever its counter", req: edits(counter(1)), have: Existing{ExistingClients: both(stored()).ExistingClients, OwnerTampered: true, IDTampered: true}, created: second, notBefore: second, out: Outcome{Restored: true}},
		{name: "F10 row with a forged owner is written over", have: Existing{ExistingClients: of(nil, stored(name("forged"))).ExistingClients, IDTampered: true}, created: second, notBefore: second, out: Outcome{Restored: true}},
		{name: "F10 renamed row is taken away", have: Existing{ExistingClients: of(stored(clientID("renamed")), nil).ExistingClients, OwnerTampered: true}, delete: "renamed", created: second, notBefore: second, out: Outcome{Restored: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := request(test.req...)
			req.Update = test.update
			change, out, err := Decide(req, test.have)
			if err != nil {
				t.Fatal(err)
			}
			if change.Put == nil || change.Delete != test.delete {
				t.Fatalf("change %+v, want a client put and %q deleted", change, test.delete)
			}
			c := *change.Put
			if c.Registration.ClientID != req.Registration.ClientID || c.Digest != req.Registration.Digest() {
				t.Errorf("put %s with digest %s", c.Registration.ClientID, c.Digest)
			}
			if !c.Created.Equal(test.created) || !c.NotBefore.Equal(test.notBefore) {
				t.Errorf("created %v, not before %v, want %v and %v", c.Created, c.NotBefore, test.created, test.notBefore)
			}
			test.out.Client = c
			if diff := cmp.Diff(test.out, out); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestF6ResponseLost: what was sent already changes nothing, however often.
func TestF6ResponseLost(t *testing.T) {
	tests := []struct {
		name string
		req  []func(*oauth.Registration)
		have *store.Client
	}{
		{"the same", nil, stored()},
		{"sets in another order", edits(shuffled), stored()},
		{"adoption repeated after it succeeded", edits(uid("uid-2"), adopt("uid-1")), stored(uid("uid-2"))},
	}
	for _, test := range tests {
		for _, update := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				req := request(test.req...)
				req.Update = update
				change, out, err := Decide(req, both(test.have))
				if err != nil || change != (store.ClientChange{}) {
					t.Fatalf("change %+v, %v, want none", change, err)
				}
				if diff := cmp.Diff(*test.have, out.Client); diff != "" || out.Created {
					t.Errorf("outcome is not what is stored (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestRecordKeepsNoPlainHash(t *testing.T) {
	req := request(adopt("uid-0"))
	_, out, err := Decide(req, Existing{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := out.Client.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{hash, "uid-0"} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the record holds %q: %s", secret, b)
		}
	}
	if req.Registration.Managed.SecretHashes[0] != hash || req.Registration.Managed.Adopt != "uid-0" {
		t.Error("the request was written to")
	}
	if out.Client.Registration.Scope != "read write" {
		t.Errorf("scope %q is not in normal form", out.Client.Registration.Scope)
	}
}

func TestDecideDelete(t *testing.T) {
	owner := reg().Managed.Owner
	reborn := owner
	reborn.UID = "uid-2"
	neighbour := owner
	neighbour.Name = "other"
	tests := []struct {
		name    string
		owner   oauth.Owner
		counter int64
		have    Existing
		delete  string
		want    oauth.Code
	}{
		{name: "its own", owner: owner, counter: 5, have: both(stored()), delete: "shop.web"},
		{name: "its own with a higher counter", owner: owner, counter: 6, have: both(stored()), delete: "shop.web"},
		{name: "F6 absent", owner: owner, counter: 5},
		{name: "F7 lower counter", owner: owner, counter: 4, have: both(stored()), want: oauth.CodeStaleCounter},
		{name: "F17 of a later incarnation", owner: owner, counter: 5, have: both(stored(uid("uid-2"))), want: oauth.CodeOwnerMismatch},
		{name: "by a later incarnation", owner: reborn, counter: 9, have: both(stored()), want: oauth.CodeOwnerMismatch},
		{name: "F32 of a neighbour", owner: neighbour, counter: 5, have: of(nil, stored()), want: oauth.CodeOwnerMismatch},
		{name: "F32 of another cluster is as absent", owner: owner, counter: 5, have: of(nil, stored(cluster("c2")))},
		{name: "self-registered is as absent", owner: owner, counter: 5, have: of(nil, &store.Client{})},
		{name: "F10 tampered", owner: owner, counter: 1, have: Existing{ExistingClients: of(nil, stored(name("forged"))).ExistingClients, IDTampered: true}, delete: "shop.web"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := DecideDelete("shop.web", test.owner, test.counter, test.have)
			if oauth.CodeOf(err) != test.want || change != (store.ClientChange{Delete: test.delete}) {
				t.Errorf("change %+v, error %v, want %q deleted, error %q", change, err, test.delete, test.want)
			}
		})
	}
}
