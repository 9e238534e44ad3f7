package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
)

// objects are the three that the server is made of.
type objects struct {
	server, signing, serverKeys *watched
}

// Run implements authserver.Source. What does not exist, may not be read, or is of
// no use is told in Snapshot.Waiting; it comes when it comes.
func (a *Adapter) Run(ctx context.Context, deliver func(authserver.Snapshot)) error {
	changes := make(chan struct{}, 1)
	changed := func() {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
	o, err := a.watchAll(changed)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for _, w := range []*watched{o.server, o.signing, o.serverKeys} {
		running.Go(func() { w.informer.RunWithContext(ctx) })
		running.Go(func() { // that an object does not exist is news as well
			if cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
				changed()
			}
		})
	}
	for {
		deliver(a.snapshot(o))
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		}
	}
}

func (a *Adapter) watchAll(changed func()) (o objects, err error) {
	var errs [3]error
	o.server, errs[0] = a.watch("AuthorizationServer", a.name, &v1alpha1.AuthorizationServerList{}, &v1alpha1.AuthorizationServer{}, changed)
	o.signing, errs[1] = a.watch("Secret", v1alpha1.SigningKeysSecretName(a.name), &corev1.SecretList{}, &corev1.Secret{}, changed)
	o.serverKeys, errs[2] = a.watch("Secret", v1alpha1.ServerKeysSecretName(a.name), &corev1.SecretList{}, &corev1.Secret{}, changed)
	return o, errors.Join(errs[:]...)
}

// snapshot reads what is known now.
func (a *Adapter) snapshot(o objects) authserver.Snapshot {
	var s authserver.Snapshot
	wait := func(text string) { s.Waiting = append(s.Waiting, text) }

	if server, ok := o.server.get().(*v1alpha1.AuthorizationServer); ok {
		uid := string(server.UID)
		a.uid.Store(&uid)
		settings := settingsOf(server)
		s.Settings = &settings
	} else {
		wait(o.server.missing())
	}
	signing, problem := read(o.signing, v1alpha1.SigningKeysKey, keys.Parse)
	if s.Signing = signing; signing == nil {
		wait(problem)
	}
	serverKeys, problem := read(o.serverKeys, v1alpha1.ServerKeysKey, credential.ParseServerKeys)
	if s.ServerKeys = serverKeys; serverKeys == nil {
		wait(problem)
	}
	return s
}

// read takes a value out of a Secret; nil and the reason if that cannot be done.
func read[T any](w *watched, key string, parse func([]byte) (T, error)) (*T, string) {
	secret, ok := w.get().(*corev1.Secret)
	if !ok {
		return nil, w.missing()
	}
	data, ok := secret.Data[key]
	if !ok {
		return nil, fmt.Sprintf("Secret %s has no key %s", w.key, key)
	}
	value, err := parse(data)
	if err != nil {
		return nil, fmt.Sprintf("Secret %s, key %s: %v", w.key, key, err)
	}
	return &value, ""
}

func settingsOf(s *v1alpha1.AuthorizationServer) endpoint.Settings {
	return endpoint.Settings{
		Issuer:              s.Spec.Issuer,
		DefaultResource:     s.Spec.DefaultResource,
		Algorithm:           string(s.Spec.Signing.AccessTokenAlgorithm),
		AccessTokenLifetime: s.Spec.Tokens.AccessTokenLifetime.Duration,
		JWKSMaxAge:          s.Spec.Signing.JWKSMaxAge.Duration,
	}
}
