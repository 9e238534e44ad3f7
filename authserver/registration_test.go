package authserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
)

func TestRegistrationIsIdempotentByOwner(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		c := authtest.NewClient("app")
		first := s.Register(t, c.Registration)
		if first.Status != http.StatusCreated {
			t.Fatalf("first: %d %s", first.Status, first.Body)
		}
		for name, want := range map[string]string{
			"client_id":                  "apps.app",
			"token_endpoint_auth_method": "client_secret_basic",
			"registration_client_uri":    s.Issuer + "/oauth/register/apps.app",
			"clientele_digest":           c.Registration.Digest(),
		} {
			if got := first.Member(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		writes := s.Store.Writes()
		for range 3 { // a lost response, repeated
			if again := s.Register(t, c.Registration); again.Status != http.StatusOK || again.Member("clientele_digest") != first.Member("clientele_digest") {
				t.Errorf("again: %d %s", again.Status, again.Body)
			}
		}
		if s.Store.Writes() != writes {
			t.Error("an unchanged registration was written")
		}
		s.MustToken(t, c)
	})
}

func TestA10PrivilegedMembersFromAnOrdinaryCaller(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	victim := s.MustRegister(t, authtest.NewClient("victim"))
	evil := authtest.NewClient("evil")
	evil.Registration.ClientID = victim.Registration.ClientID
	for _, c := range []struct {
		rule, token string
		status      int
		challenge   string // after the realm
	}{
		{"nobody (RFC 6750, Section 3.1)", "", 401, ""},
		{"no valid token", "abc", 401, `, error="invalid_token"`},
		{"authenticated without rights", authtest.NobodyToken, 403, `, error="insufficient_scope"`},
		{"the client's own registration access token", victim.Token.Reveal(), 401, `, error="invalid_token"`},
		{"its secret", victim.Secret.Reveal(), 401, `, error="invalid_token"`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			id := victim.Registration.ClientID
			for _, r := range []struct{ method, path, body string }{
				{"POST", "/oauth/register", `{"client_name":"x","redirect_uris":["https://x"]}`},
				{"PUT", "/oauth/register/" + id, `{"client_id":"` + id + `"}`},
				{"DELETE", "/oauth/register/" + id + "?owner_namespace=apps&owner_name=victim&owner_uid=uid-victim&counter=9", ""},
				{"PUT", "/registrar/v1/resources/p", `{}`},
				{"DELETE", "/registrar/v1/resources/p", ""},
				{"GET", "/registrar/v1/inventory", ""},
				{"GET", "/registrar/v1/changes", ""},
				{"GET", "/registrar/v1/replicas", ""},
			} {
				a := s.SendText(t, r.method, r.path, c.token, r.body)
				if got := a.Header.Get("WWW-Authenticate"); a.Status != c.status || a.Error() == "" || got != `Bearer realm="clientele"`+c.challenge {
					t.Errorf("%s %s: %d %q %s, want %d", r.method, r.path, a.Status, got, a.Body, c.status)
				}
			}
			if a := s.SendJSON(t, "POST", "/oauth/register", c.token, evil.Registration); a.Status != c.status {
				t.Errorf("clientele_managed: %d %s, want %d", a.Status, a.Body, c.status)
			}
		})
	}
	s.MustToken(t, victim)
	if a := s.Token(t, evil); a.Status != 401 {
		t.Errorf("the attacker's secret works: %d", a.Status)
	}
}

func TestA10AnotherClustersClientAndAForgedCluster(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		c := s.MustRegister(t, authtest.NewClient("app"))
		r := authtest.NewClient("app").Registration
		r.Managed.Owner.Cluster = authtest.Cluster // what a request says of its cluster is ignored
		r.Managed.Counter = 5
		if a := s.SendJSON(t, "POST", "/oauth/register", authtest.OtherClusterToken, r); a.Status != 409 || a.Error() != "client_id_taken" {
			t.Errorf("POST by another cluster: %d %s", a.Status, a.Body)
		}
		if a := s.SendJSON(t, "PUT", "/oauth/register/apps.app", authtest.OtherClusterToken, r); a.Status != 401 {
			t.Errorf("PUT by another cluster: %d %s", a.Status, a.Body)
		}
		if a := s.SendText(t, "GET", "/oauth/register/apps.app", authtest.OtherClusterToken, ""); a.Status != 401 {
			t.Errorf("GET by another cluster: %d %s", a.Status, a.Body)
		}
		if a := s.SendText(t, "DELETE", deletion("app", 9), authtest.OtherClusterToken, ""); a.Status != 204 {
			t.Errorf("DELETE by another cluster must look as if there were none: %d %s", a.Status, a.Body)
		}
		if a := s.Do(t, "GET", "/registrar/v1/inventory", "", "Authorization", "Bearer "+authtest.OtherClusterToken); strings.Contains(a.Body, "apps.app") {
			t.Errorf("the inventory of another cluster: %s", a.Body)
		}
		s.MustToken(t, c)
	})
}

func deletion(name string, counter int) string {
	return fmt.Sprintf("/oauth/register/apps.%s?owner_namespace=apps&owner_name=%s&owner_uid=uid-%s&counter=%d", name, name, name, counter)
}

func TestManagementOfAClient(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		c := s.MustRegister(t, authtest.NewClient("app"))
		path := "/oauth/register/apps.app"

		for _, token := range []string{authtest.RegistrarToken, c.Token.Reveal()} {
			a := s.SendText(t, "GET", path, token, "")
			if a.Status != 200 || a.Member("client_id") != "apps.app" {
				t.Errorf("read: %d %s", a.Status, a.Body)
			}
		}
		if a := s.SendJSON(t, "PUT", "/oauth/register/apps.none", authtest.RegistrarToken, authtest.NewClient("none").Registration); a.Status != 401 {
			t.Errorf("PUT of an absent client (RFC 7592, Section 2.2): %d %s", a.Status, a.Body)
		}
		if a := s.SendJSON(t, "PUT", path, authtest.RegistrarToken, authtest.NewClient("other").Registration); a.Status != 400 {
			t.Errorf("PUT with another client_id: %d %s", a.Status, a.Body)
		}
		// A new secret beside the old one: both work; then the new one only.
		next := credential.NewClientSecret()
		update := func(counter int64, secrets ...credential.Secret) authtest.Answer {
			r := c.Registration
			m := *r.Managed
			m.Counter, m.SecretHashes = counter, nil
			for _, secret := range secrets {
				m.SecretHashes = append(m.SecretHashes, credential.Hash(secret.Reveal()))
			}
			r.Managed = &m
			return s.SendJSON(t, "PUT", path, authtest.RegistrarToken, r)
		}
		if a := update(2, c.Secret, next); a.Status != 200 {
			t.Fatalf("PUT: %d %s", a.Status, a.Body)
		}
		rotated := c
		rotated.Secret = next
		s.MustToken(t, c)
		s.MustToken(t, rotated)
		if a := update(3, next); a.Status != 200 {
			t.Fatalf("PUT: %d %s", a.Status, a.Body)
		}
		if a := s.Token(t, c); a.Status != 401 {
			t.Errorf("the old secret still works: %d", a.Status)
		}
		s.MustToken(t, rotated)
		if a := update(2, c.Secret); a.Status != 409 || a.Error() != "stale_counter" || a.JSON()["clientele_counter"] != 3.0 {
			t.Errorf("a lower counter: %d %s", a.Status, a.Body)
		}

		if a := s.SendText(t, "DELETE", path, authtest.RegistrarToken, ""); a.Status != 400 {
			t.Errorf("DELETE without the owner: %d %s", a.Status, a.Body)
		}
		wrong := strings.Replace(deletion("app", 9), "uid-app", "uid-other", 1)
		if a := s.SendText(t, "DELETE", wrong, authtest.RegistrarToken, ""); a.Status != 409 || a.Error() != "owner_mismatch" {
			t.Errorf("DELETE of another incarnation: %d %s", a.Status, a.Body)
		}
		for range 2 { // the second finds nothing, which is what was wanted
			if a := s.SendText(t, "DELETE", deletion("app", 9), authtest.RegistrarToken, ""); a.Status != 204 || a.Body != "" {
				t.Errorf("DELETE: %d %s", a.Status, a.Body)
			}
		}
		if a := s.Token(t, rotated); a.Status != 401 {
			t.Errorf("a deleted client gets %d", a.Status)
		}
	})
}

func TestReviewBackendDownIs503AndPermitsNothing(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	s.Registrars.SetDown(true)
	a := s.Register(t, authtest.NewClient("app").Registration)
	if a.Status != 503 || a.Error() != "temporarily_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if strings.Contains(a.Body, "10.0.0.1") {
		t.Errorf("internal text reached the caller: %s", a.Body)
	}
}

func TestInventoryChangesAndReplicas(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		get := func(path string) authtest.Answer {
			return s.Do(t, "GET", path, "", "Authorization", "Bearer "+authtest.RegistrarToken)
		}
		c := s.MustRegister(t, authtest.NewClient("app"))
		s.MustPutPolicy(t, authtest.Policy("p1", orders, "read"))
		all := get("/registrar/v1/inventory")
		if all.Status != 200 || !strings.Contains(all.Body, c.Registration.Digest()) || !strings.Contains(all.Body, `"uid":"p1"`) {
			t.Fatalf("inventory: %d %s", all.Status, all.Body)
		}
		since := fmt.Sprintf("/registrar/v1/changes?store_id=%s&since=%.0f", all.Member("store_id"), all.JSON()["revision"])
		if a := get(since); a.Status != 200 || a.JSON()["clients"] != nil || a.JSON()["reset"] != nil {
			t.Errorf("no changes: %d %s", a.Status, a.Body)
		}
		answer := make(chan authtest.Answer, 1)
		go func() { answer <- get(since + "&wait=30") }()
		s.MustRegister(t, authtest.NewClient("new"))
		if a := <-answer; !strings.Contains(a.Body, "apps.new") {
			t.Errorf("the long poll: %d %s", a.Status, a.Body)
		}
		if a := get("/registrar/v1/changes?store_id=another&since=1"); a.JSON()["reset"] != true {
			t.Errorf("another store: %s", a.Body)
		}
		for _, bad := range []string{"since=x", "since=-1", "wait=56", "wait=x", "since=1&since=2"} {
			if a := get("/registrar/v1/changes?" + bad); a.Status != 400 {
				t.Errorf("%s: %d %s", bad, a.Status, a.Body)
			}
		}
		if a := get("/registrar/v1/inventory?limit=0"); a.Status != 400 {
			t.Errorf("limit 0: %d", a.Status)
		}
		a := get("/registrar/v1/replicas")
		list, _ := a.JSON()["replicas"].([]any)
		if a.Status != 200 || len(list) != 1 {
			t.Fatalf("replicas: %d %s", a.Status, a.Body)
		}
		replica := list[0].(map[string]any)
		if replica["key_set_revision"] != s.Signing.Revision() || replica["serving_since"] != float64(s.Clock.Now().Unix()) {
			t.Errorf("replica: %v", replica)
		}
	})
}
