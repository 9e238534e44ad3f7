package registrar

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

// TokenSource gives ServiceAccount tokens of the operator.
type TokenSource interface {
	// Token returns a token for one audience and when it expires.
	Token(ctx context.Context, audience string) (token string, expires time.Time, err error)
}

// ServiceAccount is a TokenSource by TokenRequest.
type ServiceAccount struct {
	Client          client.Client
	Namespace, Name string
	// Lifetime asked for. Zero: an hour. The API server allows no less than ten
	// minutes.
	Lifetime time.Duration
}

// Token asks the API server for a token.
func (a ServiceAccount) Token(ctx context.Context, audience string) (string, time.Time, error) {
	seconds := int64(orDefault(a.Lifetime, time.Hour) / time.Second)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:         []string{audience},
		ExpirationSeconds: &seconds,
	}}
	if err := a.Client.SubResource("token").Create(ctx, account, request); err != nil {
		return "", time.Time{}, fmt.Errorf("request a token of ServiceAccount %s/%s: %w", a.Namespace, a.Name, err)
	}
	return request.Status.Token, request.Status.ExpirationTimestamp.Time, nil
}

// bearer caches the token for one audience until four fifths of its life have
// passed. The token appears in no log, error or String.
type bearer struct {
	source   TokenSource
	audience string
	now      func() time.Time

	mu    sync.Mutex
	token string
	renew time.Time
}

func (b *bearer) get(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.token != "" && now.Before(b.renew) {
		return b.token, nil
	}
	token, expires, err := b.source.Token(ctx, b.audience)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrToken, err)
	}
	b.token = token
	b.renew = now.Add(expires.Sub(now) * 4 / 5)
	return token, nil
}

// drop forgets a token that the server refused, so that the next try has
// another. A newer one stays.
func (b *bearer) drop(token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.token == token {
		b.token = ""
	}
}
