package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// credentials are what a workload finds in its Secret, under the names of
// RFC 7591, Section 3.2.1.
type credentials struct{ clientID, clientSecret, issuer string }

func (credentials) String() string { return "[credentials]" }

// readSecret reads what the first sample OAuthClient's status names.
func (d *demoRun) readSecret(ctx context.Context) (string, error) {
	obj := d.clients[0]
	name, _, _ := unstructured.NestedString(obj.Object, "status", "credentialsSecret")
	if name == "" {
		return "", errors.New("the OAuthClient's status names no credentialsSecret")
	}
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: obj.GetNamespace(), Name: name}
	if err := d.Client().Get(ctx, key, secret); err != nil {
		return "", fmt.Errorf("read Secret %s: %w", key, err)
	}
	d.credentials = credentials{
		clientID:     string(secret.Data["client_id"]),
		clientSecret: string(secret.Data["client_secret"]),
		issuer:       string(secret.Data["issuer"]),
	}
	for _, key := range []string{"client_id", "client_secret", "issuer", "token_endpoint"} {
		d.Report.Say("      %-15s %s", key, shown(key, string(secret.Data[key])))
	}
	if d.credentials.clientID == "" || d.credentials.clientSecret == "" || d.credentials.issuer == "" {
		return "", fmt.Errorf("the Secret %s lacks client_id, client_secret or issuer", key)
	}
	return "Secret " + key.String() + " read", nil
}

// shown keeps the secret off the screen.
func shown(key, value string) string {
	if key == "client_secret" && value != "" {
		return fmt.Sprintf("(%d characters, not shown)", len(value))
	}
	return value
}
