package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// latencyClients are created one after another.
const latencyClients = 200

// latency measures, from the Create call on, when the credentials Secret was
// seen and when a token had been got with it.
func (b *bench) latency(ctx context.Context) error {
	b.report.section(fmt.Sprintf("Apply to usable token, %d OAuthClients one after another", latencyClients))
	events, err := b.bed.client.Watch(ctx, &corev1.SecretList{}, client.InNamespace(namespace(0)))
	if err != nil {
		return err
	}
	defer events.Stop()
	var toSecret, toToken []time.Duration
	for i := range latencyClients {
		begin := time.Now()
		object := newClient(namespace(0), fmt.Sprintf("latency-%d", i))
		if err := b.bed.client.Create(ctx, object); err != nil {
			return err
		}
		secret, err := awaitSecret(ctx, events, object.Name)
		if err != nil {
			return err
		}
		toSecret = append(toSecret, time.Since(begin))
		if err := b.getToken(ctx, secret.Data); err != nil {
			return fmt.Errorf("OAuthClient %s: %w", object.Name, err)
		}
		toToken = append(toToken, time.Since(begin))
	}
	slices.Sort(toSecret)
	slices.Sort(toToken)
	at := func(d []time.Duration, q float64) string { return round(d[int(q*float64(len(d)-1))]).String() }
	b.report.add(figure{name: "apply → Secret, p50", value: at(toSecret, .5), note: "hydra-maester with Hydra: 42 ms"})
	b.report.add(figure{name: "apply → Secret, p99", value: at(toSecret, .99), note: "hydra-maester with Hydra: 70 ms"})
	b.report.add(figure{name: "apply → usable token, p50", value: at(toToken, .5), note: "hydra-maester with Hydra: 58 ms"})
	b.report.add(figure{name: "apply → usable token, p99", value: at(toToken, .99), goal: "< 60 ms", note: "hydra-maester with Hydra: 95 ms"})
	return nil
}

// awaitSecret reads events until the credentials Secret of an OAuthClient appears.
func awaitSecret(ctx context.Context, events watch.Interface, name string) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no credentials Secret of %s: %w", name, ctx.Err())
		case event, open := <-events.ResultChan():
			if !open {
				return nil, fmt.Errorf("the watch of Secrets ended")
			}
			secret, ok := event.Object.(*corev1.Secret)
			if ok && strings.HasSuffix(secret.Annotations[api.AnnotationOwner], "/"+name) {
				return secret, nil
			}
		}
	}
}

// getToken gets a token with credentials as an app would.
func (b *bench) getToken(ctx context.Context, credentials map[string][]byte) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(credentials[api.CredentialsKeyTokenEndpoint]), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(
		string(credentials[api.CredentialsKeyClientID])+":"+string(credentials[api.CredentialsKeyClientSecret]))))
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the token endpoint answered %s", resp.Status)
	}
	return nil
}
