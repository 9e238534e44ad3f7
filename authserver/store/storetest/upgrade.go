package storetest

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

// BeforeSignOuts are rows of the schema before its step 7, when what people did told of
// no sign-outs, and some of it carried no MACs; they hold in both databases.
const BeforeSignOuts = `
INSERT INTO codes (hash, family_id, subject, client_id, expires, sweep, record)
VALUES ('hash', 'later', 'user/1', 'shop.web', 1935990549, 1935990549, '{"v":4,"expires":1935990549}');
INSERT INTO families (id, generation, revoked, ends, subject, client_id, record)
VALUES ('f', 7, 0, 1935990549, 'user/1', 'shop.web', '{"v":3,"expires":1935990549}');
INSERT INTO sessions (id, hash, subject, seen, expires, record)
VALUES ('s', 'cookie', 'user/1', 0, 1935990549, '{"v":3,"subject":"user/1","expires":1935990549}');
INSERT INTO consents (subject, client_id, resource, scope, granted)
VALUES ('user/1', 'shop.web', 'https://api.example.com', 'orders.read', 1);
`

// WantNothingBeforeSignOuts wants none of the rows of BeforeSignOuts in a store that was
// opened since.
func WantNothingBeforeSignOuts(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	_, code := s.Code(ctx, "hash", sampleTime)
	_, family := s.Family(ctx, "f")
	_, session := s.Session(ctx, "cookie", sampleTime)
	for what, err := range map[string]error{"code": code, "family": family, "session": session} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if all, err := s.ConsentsOf(ctx, "user/1"); len(all) != 0 || err != nil {
		t.Errorf("consents %v, %v", all, err)
	}
}
