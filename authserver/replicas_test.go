package authserver_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
)

// replicas are two servers on one PostgreSQL. Neither polls: what one of them
// sees of the other's doings it reads when it needs it, or was told.
func replicas(t *testing.T, c authtest.Config) (w *world, b *authtest.Server) {
	t.Helper()
	c.Postgres, c.Poll = postgres.Server(t), time.Hour
	w = users(t, c)
	return w, w.Replica(t, authtest.Config{Poll: time.Hour})
}

// soon waits until something holds that another replica has to be told of.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for began := time.Now(); !holds(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not after %v", what, time.Since(began))
		}
	}
}

func TestClientsOfOneReplicaAtTheOther(t *testing.T) {
	a, b := replicas(t, authtest.Config{})
	c := a.MustRegister(t, authtest.NewClient("app"))
	soon(t, "a token at the other replica", func() bool { return b.Token(t, c).Status == http.StatusOK })

	old, next := c, c
	next.Secret = credential.NewClientSecret()
	managed := *c.Registration.Managed
	managed.Counter, managed.Generation, managed.SecretHashes = 2, 2, []string{credential.Hash(next.Secret.Reveal())}
	next.Registration.Managed = &managed
	a.MustRegister(t, next)
	soon(t, "the old secret is refused", func() bool { return b.Token(t, old).Error() == "invalid_client" })
	b.MustToken(t, next)
}

func TestA4RefreshesSpreadOverReplicasHaveOneSuccessor(t *testing.T) {
	w, b := replicas(t, authtest.Config{})
	at := []*authtest.Server{w.Server, b}
	soon(t, "the policy and the client", func() bool {
		return b.Do(t, "GET", b.AuthorizeURL(w.public)[len(b.Issuer):], "").Status == http.StatusSeeOther
	})
	first := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada")).Member("refresh_token")
	var mu sync.Mutex
	successors := map[string]int{}
	parallel(64, func(i int) {
		a := at[i%2].Refresh(t, w.public, first)
		mu.Lock()
		defer mu.Unlock()
		successors[a.Member("refresh_token")]++
		if a.Status != http.StatusOK {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
	if len(successors) != 1 || successors[first] != 0 {
		t.Fatalf("%d different successors", len(successors))
	}
	for next := range successors {
		if a := b.Refresh(t, w.public, next); a.Status != http.StatusOK {
			t.Errorf("the successor: %s", a.Body)
		}
	}
}
