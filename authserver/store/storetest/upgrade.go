package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"clientele.dev/clientele/authserver/store"
)

// BeforeSeveralResources are rows of the schema before its step 4, when a grant was
// for one resource; they hold in both databases.
const BeforeSeveralResources = `
INSERT INTO codes (hash, family_id, subject, client_id, resource, session_id, expires, sweep, record)
VALUES ('hash', 'later', 'user:1', 'shop.web', 'https://api.example.com', 's', 1935990549, 1935990549,
  '{"v":3,"grant":{"client_id":"shop.web","subject":"user:1","session_id":"s","resource":"https://api.example.com","scopes":["orders.read"],"auth_time":1},"family_id":"later","issued":1935990489,"expires":1935990549}');
INSERT INTO families (id, generation, revoked, ends, subject, client_id, resource, session_id, record)
VALUES ('f', 7, 0, 1935990549, 'user:1', 'shop.web', 'https://api.example.com', 's',
  '{"v":2,"grant":{"client_id":"shop.web","subject":"user:1","session_id":"s","resource":"https://api.example.com","scopes":["orders.read"],"auth_time":1},"current":"v1:current","key_version":1,"created":1935990489,"expires":1935990549}');
`

// WantSeveralResources wants the rows of BeforeSeveralResources to be what they were
// in a store that was opened since, and to end as others do.
func WantSeveralResources(t *testing.T, s store.Store) {
	t.Helper()
	want := []store.Access{{Resource: "https://api.example.com", Scopes: []string{"orders.read"}}}
	code, err := s.TakeCode(t.Context(), "hash", sampleTime)
	if err != nil {
		t.Error(err)
	}
	family, err := s.Family(t.Context(), "f")
	if err != nil {
		t.Error(err)
	}
	for what, g := range map[string]store.Grant{"code": code.Grant, "family": family.Grant} {
		if diff := cmp.Diff(want, g.Access); diff != "" {
			t.Errorf("the access of the %s (-want +got):\n%s", what, diff)
		}
	}
	if err := s.AdvanceFamily(t.Context(), 7, next(family)); err != nil {
		t.Error(err)
	}
	if n, err := s.RevokeFamilies(t.Context(), store.FamilyFilter{Subject: "user:1"}, sampleTime); n != 1 || err != nil {
		t.Errorf("revoked %d, %v", n, err)
	}
}
