package authserver_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// Registrars who wait for changes hear at once of another report about users, and
// those that ask for none are left in peace.
func TestChangesTellWhatIsSaidOfUsers(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	report := func(problems ...oauth.UsersProblem) *oauth.UsersReport {
		r := oauth.NewUsersReport(3, problems)
		if err := s.Apply(t.Context(), authserver.Snapshot{Users: r}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	inventory := s.Do(t, http.MethodGet, "/registrar/v1/inventory", "", "Authorization", "Bearer "+authtest.RegistrarToken).JSON()
	store, _ := inventory["store_id"].(string)
	since := strconv.FormatFloat(inventory["revision"].(float64), 'f', 0, 64)
	ask := func(users, wait string) map[string]any {
		a := s.Do(t, http.MethodGet, "/registrar/v1/changes?store_id="+store+"&since="+since+"&wait="+wait+users, "", "Authorization", "Bearer "+authtest.RegistrarToken)
		if a.Status != http.StatusOK {
			t.Errorf("changes: %d %s", a.Status, a.Body)
		}
		return a.JSON()
	}
	if said := ask("&users=none", "0"); said["users"] != nil {
		t.Errorf("nothing is known: %v", said)
	}
	first := report()
	if said, _ := ask("&users=none", "50")["users"].(map[string]any); said["digest"] != first.Digest || said["generation"] != 3.0 {
		t.Errorf("the first report: %v", said)
	}
	arrived := make(chan struct{}, 100)
	s.Registrars.OnAuthorize(func() { arrived <- struct{}{} })
	has, began := first, time.Now()
	for i := range 20 { // most of these polls wait by the time there is another report
		answered := make(chan map[string]any, 1)
		go func() { answered <- ask("&users="+has.Digest, "50") }()
		<-arrived
		next := report(oauth.UsersProblem{Reason: oauth.UsersSecretMissing, Detail: strconv.Itoa(i)})
		said := <-answered
		if users, _ := said["users"].(map[string]any); users["digest"] != next.Digest || said["store_id"] != store {
			t.Fatalf("the next report: %v", said)
		}
		has = next
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("20 reports were told in %s: the polls ran out instead of being woken", took)
	}
	if said := ask("", "0"); said["users"] == nil || said["reset"] == true {
		t.Errorf("a registrar that names no report: %v", said)
	}
}
