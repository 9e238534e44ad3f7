package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/signin"
)

// objects are the three that the server is made of. Those with the users come on
// top, as the first of them names them: see people.
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
		start(ctx, &running, w, changed)
	}
	for {
		s := a.snapshot(o)
		if server, ok := o.server.get().(*v1alpha1.AuthorizationServer); ok {
			s.Users = a.follow(ctx, &running, server, changed)
			s.Waiting = append(s.Waiting, details(s.Users.Problems)...)
		}
		deliver(s)
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
	} else {
		a.serverKeys.Store(serverKeys)
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
	r, tokens := s.Spec.Registration, s.Spec.Tokens
	return endpoint.Settings{
		Issuer:              s.Spec.Issuer,
		DefaultResource:     s.Spec.DefaultResource,
		Algorithm:           string(s.Spec.Signing.AccessTokenAlgorithm),
		IDTokenAlgorithm:    string(s.Spec.Signing.IDTokenAlgorithm),
		AccessTokenLifetime: tokens.AccessTokenLifetime.Duration,
		CodeLifetime:        tokens.CodeLifetime.Duration,
		RefreshLifetime:     tokens.RefreshTokenLifetime.Duration,
		RefreshIdle:         duration(tokens.RefreshTokenIdleLifetime),
		RefreshRetryWindow:  tokens.RefreshRetryWindow.Duration,
		SessionLifetime:     tokens.SessionLifetime.Duration,
		SessionIdle:         duration(tokens.SessionIdleLifetime),
		JWKSMaxAge:          s.Spec.Signing.JWKSMaxAge.Duration,
		Users:               s.Spec.Users != nil,
		Registration: endpoint.RegistrationSettings{
			Mode:             endpoint.RegistrationMode(r.Mode),
			MaxClients:       int(r.MaxClients),
			PerAddressMinute: int(r.PerAddressMinute),
			PerAddressDay:    int(r.PerAddressDay),
			PerMinute:        int(r.PerMinute),
			UnusedFor:        duration(r.UnusedFor),
			IdleFor:          duration(r.IdleFor),

			PrivateUseSchemes: r.PrivateUseSchemes,
		},
		SignIn:         signInLimits(s.Spec.Users),
		TrustedProxies: s.Spec.TrustedProxies,
		OutboundAllow:  s.Spec.OutboundAllow,
	}
}

// signInLimits are zero, which means the defaults, where there are none.
func signInLimits(users *v1alpha1.UsersSpec) signin.Limits {
	if users == nil || users.Lockout == nil {
		return signin.Limits{}
	}
	l := users.Lockout
	return signin.Limits{
		PerPair: int(l.PerUserAndAddress), PerUsername: int(l.PerUser), PerAddress: int(l.PerAddress),
		Window: duration(l.Window),
	}
}

// duration is zero, which means the default, where there is none.
func duration(d *metav1.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.Duration
}
