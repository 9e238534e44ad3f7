package authserver_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
)

// TestAFullDiskStopsWritesAndNoMachineTokens, however long it lasts: what needs a change is
// 503 with Retry-After, and none of it is an answer about a token. The registrar is told.
// When there is space again all is as before.
func TestAFullDiskStopsWritesAndNoMachineTokens(t *testing.T) {
	sqlitetest.SmallDisk(t, 16<<20, func(t *testing.T, disk sqlitetest.Disk) {
		w := peopleAt(t, authtest.Start(t, open(authtest.Config{})))
		access, refresh := w.tokens(t, w.app, "resource", api)
		if said := w.storageSaid(t, "none"); said != string(oauth.StorageAvailable) {
			t.Errorf("at first the storage is %q", said)
		}
		disk.Fill(t)
		full := authtest.Answer{}
		for i := 0; full.Status < 500; i++ { // there may be room in the WAL
			full = w.Register(t, authtest.NewClient("more-"+strconv.Itoa(i)).Registration)
		}
		w.ExamineStorage(t.Context())
		if said := w.storageSaid(t, "Available"); said != string(oauth.StorageFull) {
			t.Errorf("on a full disk the storage is %q", said)
		}
		for rule, a := range map[string]authtest.Answer{
			"register a managed client": full,
			"register by oneself":       selfRegister(t, w.Server, seed1),
			"refresh":                   w.Refresh(t, w.app, refresh),
			"revoke":                    w.postAs(t, w.app, "/oauth/revoke", "token", refresh),
		} {
			if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Member("error") != "temporarily_unavailable" {
				t.Errorf("%s: %d %s", rule, a.Status, a.Body)
			}
		}
		for range 3 {
			w.Pass(t, 40*time.Second) // longer than a lease, or a view of the store, is good
			w.MustToken(t, w.machine, "resource", api)
			if !w.active(t, w.rs, access) {
				t.Error("an access token is not active any more")
			}
			if a := w.Do(t, http.MethodGet, "/.well-known/jwks.json", ""); a.Status != http.StatusOK {
				t.Errorf("keys: %d %s", a.Status, a.Body)
			}
		}
		disk.Free(t)
		w.ExamineStorage(t.Context())
		if said := w.storageSaid(t, "Full"); said != string(oauth.StorageAvailable) {
			t.Errorf("when there is space the storage is %q", said)
		}
		if !w.refreshes(t, w.app, refresh) {
			t.Error("the full disk ended a refresh token")
		}
		w.MustRegister(t, authtest.NewClient("afterwards"))
	})
}
