package plane

import (
	"context"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Token asks the API server for a ServiceAccount's token by TokenRequest, as
// kubelet does for a projected volume. Without audiences it is for the API
// server itself. lifetime is at least ten minutes, the API server's minimum.
func (p *Plane) Token(ctx context.Context, namespace, name string, lifetime time.Duration, audiences ...string) (string, error) {
	clients, err := kubernetes.NewForConfig(p.Admin())
	if err != nil {
		return "", fmt.Errorf("make a client: %w", err)
	}
	seconds := int64(lifetime / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences:         audiences,
		ExpirationSeconds: &seconds,
	}}
	got, err := clients.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("request a token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	return got.Status.Token, nil
}
