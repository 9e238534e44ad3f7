package authserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// poll is what a registrar hears that knows everything but, perhaps, the state of the
// storage; "" for knows: one that asks for none.
func poll(t *testing.T, s *authtest.Server, knows string, wait int) oauth.Inventory {
	t.Helper()
	ask := func(path string) (i oauth.Inventory) {
		a := s.Do(t, http.MethodGet, "/registrar/v1/"+path, "", "Authorization", "Bearer "+authtest.RegistrarToken)
		if err := json.Unmarshal([]byte(a.Body), &i); err != nil || a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		return i
	}
	is := ask("inventory")
	path := "changes?store_id=" + is.StoreID + "&since=" + strconv.FormatInt(is.Revision, 10) + "&wait=" + strconv.Itoa(wait)
	if knows != "" {
		path += "&storage=" + knows
	}
	return ask(path)
}

// storageSaid is the state that a registrar hears at once.
func (p *people) storageSaid(t *testing.T, knows string) string {
	t.Helper()
	if said := poll(t, p.Server, knows, 0).Storage; said != nil {
		return string(said.State)
	}
	return ""
}

// TestChangesTellHowItGoesWithTheStorage: registrars who wait for changes hear at once
// that the database is away, which the server itself knows, and that it is back; those that
// ask for nothing of it are left in peace. Its metrics and its log tell, too.
func TestChangesTellHowItGoesWithTheStorage(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Postgres: postgres.Server(t)})
	said := poll(t, s, "none", 50).Storage
	if said == nil || said.State != oauth.StorageAvailable || said.Message != "" {
		t.Fatalf("at first: %+v", said)
	}
	arrived := make(chan struct{}, 100)
	s.Registrars.OnAuthorize(func() { arrived <- struct{}{} })
	waiting := func(knows string) <-chan oauth.Inventory {
		answered := make(chan oauth.Inventory, 1)
		go func() { answered <- poll(t, s, knows, 50) }()
		<-arrived // the inventory
		<-arrived
		return answered
	}
	began := time.Now()
	news := waiting("Available")
	s.CutOff(t)
	if a := s.Register(t, authtest.NewClient("app").Registration); a.Status != http.StatusServiceUnavailable {
		t.Errorf("register: %d %s", a.Status, a.Body)
	}
	<-arrived
	s.ExamineStorage(t.Context())
	s.ExamineStorage(t.Context()) // the same is no news
	heard := <-news
	// It depends on what was tried last: a connection that is gone, or another one.
	if heard.Storage == nil || heard.Storage.State != oauth.StorageRefused && heard.Storage.State != oauth.StorageUnreachable || heard.Storage.Message == "" || heard.Reset {
		t.Fatalf("cut off: %+v", heard.Storage)
	}
	state := string(heard.Storage.State)
	if n := strings.Count(s.Log.String(), `"msg":"storage"`); n != 1 {
		t.Errorf("the log says it %d times, want once:\n%s", n, s.Log)
	}
	if m := s.Send(t, request(t, s.MetricsURL)).Body; !strings.Contains(m, `clientele_storage_state{state="`+state+`"} 1`) || strings.Contains(m, `state="Available"`) {
		t.Error("the metrics do not tell of it")
	}
	news = waiting(state)
	s.Reconnect(t)
	eventually(t, func() string {
		err := s.Store.RevokeToken(t.Context(), "jti", s.Clock.Now()) // a write that the registrar does not hear of
		if s.ExamineStorage(t.Context()); err == nil && strings.Contains(s.Log.String(), `"state":"Available"`) {
			return ""
		}
		return fmt.Sprintf("the storage does not work again: %v", err)
	})
	if heard := <-news; heard.Storage == nil || heard.Storage.State != oauth.StorageAvailable {
		t.Errorf("back again: %+v", heard.Storage)
	}
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it took %s: the polls ran out instead of being woken", took)
	}
	if heard := poll(t, s, "", 0); heard.Storage == nil || heard.Reset {
		t.Errorf("a registrar that names no state: %+v", heard)
	}
}
