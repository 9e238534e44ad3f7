package authserver_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// with adds members to the JSON of v.
func with(t *testing.T, v any, members map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		all[name] = value
	}
	return all
}

// TestO19AServerIgnoresWhatALaterOperatorSends, wherever it stands: the operator is upgraded
// first.
func TestO19AServerIgnoresWhatALaterOperatorSends(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := authtest.NewClient("app")
	later := map[string]any{"later": map[string]any{"deep": []any{1, "a", nil}}, "also_later": true}
	sent := with(t, c.Registration, later)
	managed := sent["clientele_managed"].(map[string]any)
	sent["clientele_managed"] = with(t, managed, later)
	managed["owner"] = with(t, managed["owner"], later)
	a := s.SendJSON(t, http.MethodPost, "/oauth/register", authtest.RegistrarToken, sent)
	if a.Status != http.StatusCreated || a.Member("clientele_digest") != c.Registration.Digest() {
		t.Errorf("a client: %d %s", a.Status, a.Body)
	}
	s.MustToken(t, c)
	p := authtest.Policy("p", "https://p.example", "read")
	if a := s.SendJSON(t, http.MethodPut, "/registrar/v1/resources/"+p.UID, authtest.RegistrarToken, with(t, p, later)); a.Status != http.StatusOK || a.Member("digest") != p.Digest() {
		t.Errorf("a policy: %d %s", a.Status, a.Body)
	}
	for _, path := range []string{"changes?wait=0&later=1", "inventory?later=1", "replicas?later=1"} {
		if a := s.SendText(t, http.MethodGet, "/registrar/v1/"+path, authtest.RegistrarToken, ""); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if a := s.SendJSON(t, http.MethodPut, "/registrar/v1/complete", authtest.RegistrarToken, with(t, oauth.StoreComplete{StoreID: s.StoreID(t)}, later)); a.Status != http.StatusOK {
		t.Errorf("complete: %d %s", a.Status, a.Body)
	}
}

// TestO19AReplicaSaysWhatItSpeaks, in the metadata and in its lease.
func TestO19AReplicaSaysWhatItSpeaks(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		var list oauth.ReplicaList
		decodeJSON(t, s.SendText(t, http.MethodGet, "/registrar/v1/replicas", authtest.RegistrarToken, ""), &list)
		if len(list.Replicas) != 1 || list.Replicas[0].Protocol != oauth.Protocol || list.Replicas[0].Version != authtest.Version {
			t.Errorf("replicas: %+v", list)
		}
		for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
			var m oauth.ServerMetadata
			if decodeJSON(t, s.Do(t, http.MethodGet, path, ""), &m); m.Protocol != oauth.Protocol || m.Version != authtest.Version {
				t.Errorf("%s: %+v", path, m)
			}
		}
	})
}
