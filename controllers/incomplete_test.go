package controllers_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestO20NoRefusalAfterTheStoreWasLost: the server starts with an empty store under token
// requests of 50 clients. They see connection errors and 503 until the operator has
// registered everything again, and never a refusal.
func TestO20NoRefusalAfterTheStoreWasLost(t *testing.T) {
	s := start(t)
	// So many deletions at once would be held back, in the next test too.
	t.Cleanup(func() {
		err := s.client.DeleteAllOf(context.Background(), &corev1.Secret{}, client.InNamespace(system), client.MatchingLabels{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration})
		if err != nil {
			t.Error(err)
		}
	})
	s.create(t, s.policy())
	var secrets []string
	for n := range 50 {
		oac := s.oauthClient()
		oac.Name = fmt.Sprintf("app-%d", n)
		s.create(t, oac)
		secrets = append(secrets, oac.Name+"-oauth")
	}
	all := func(when string) {
		t.Helper()
		for _, name := range secrets {
			var last string
			s.eventually(t, func(context.Context) bool { last = s.token(t, name); return last == "200 read" },
				func() string { return fmt.Sprintf("%s: %s gives %q", when, name, last) })
		}
	}
	all("at first")

	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	answers := make(chan string, 1)
	refused := map[string]int{}
	for worker := range 4 {
		load.Go(func() {
			for n := worker; ctx.Err() == nil; n++ {
				answers <- s.token(t, secrets[n%len(secrets)])
			}
		})
	}
	counted := make(chan int)
	go func() {
		n := 0
		for a := range answers {
			n++
			if strings.HasPrefix(a, "4") {
				refused[a]++
			}
		}
		counted <- n
	}()
	s.stopServer()
	s.data = t.TempDir()
	s.startServerAgain(t)
	all("after the store was lost")
	stop()
	load.Wait()
	close(answers)
	if n := <-counted; len(refused) > 0 || n < 100 {
		t.Errorf("%d requests, refused: %v", n, refused)
	}
	s.eventually(t, func(context.Context) bool {
		return strings.Contains(s.log.String(), "a registrar has registered all clients")
	},
		func() string { return "the store is not complete" })
	s.awaitNo(t, s.authorizationServer(), v1alpha1.ConditionStoreComplete)
}
