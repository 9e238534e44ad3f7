package scopepolicy

import (
	"context"
	"fmt"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// audiencesFor is how long the API server's audiences are kept; they are its
	// flags and change with its restart.
	audiencesFor = time.Hour
	// shortest is the shortest life that a ServiceAccount token may have.
	shortest = int64(600)
)

// APIServerAudiences finds out the API server's audiences: it asks for a token of
// the operator's own ServiceAccount without naming one, and the API server fills
// in its own. The token is thrown away.
type APIServerAudiences struct {
	Client          client.Client
	Namespace, Name string
	Now             func() time.Time

	mu      sync.Mutex
	known   []string
	expires time.Time
}

// Get returns the audiences.
func (a *APIServerAudiences) Get(ctx context.Context) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.Now()
	if len(a.known) > 0 && now.Before(a.expires) {
		return a.known, nil
	}
	seconds := shortest
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name}}
	if err := a.Client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("find out the API server's audiences by a token of ServiceAccount %s/%s: %w", a.Namespace, a.Name, err)
	}
	if len(request.Spec.Audiences) == 0 {
		return nil, fmt.Errorf("find out the API server's audiences: it filled in none")
	}
	a.known, a.expires = request.Spec.Audiences, now.Add(audiencesFor)
	return a.known, nil
}
