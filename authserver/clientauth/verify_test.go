package clientauth_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

func verifier(t *testing.T) (*clientauth.Verifier, credential.Secret, *registry.Client) {
	t.Helper()
	keys, err := credential.NewServerKeys(time.Unix(1000, 0))
	if err != nil {
		t.Fatal(err)
	}
	secret := credential.NewClientSecret()
	c := &registry.Client{
		Registration: oauth.Registration{ClientID: "apps.app", TokenEndpointAuthMethod: oauth.AuthClientSecretBasic, Managed: &oauth.Managed{}},
		Secrets:      []string{keys.Seal(credential.Hash("another")), keys.Seal(credential.Hash(secret.Reveal()))},
	}
	return clientauth.NewVerifier(keys, func(id string) (*registry.Client, bool) { return c, id == c.ClientID }), secret, c
}

func TestVerify(t *testing.T) {
	v, secret, c := verifier(t)
	good := clientauth.Presented{ClientID: "apps.app", Method: oauth.AuthClientSecretBasic, Secret: secret}
	if got, err := v.Verify(good); err != nil || got != c {
		t.Fatalf("the right secret: %v", err)
	}
	for _, r := range []struct {
		rule   string
		change func(*clientauth.Presented)
		cause  error
	}{
		{"unknown client", func(p *clientauth.Presented) { p.ClientID = "apps.other" }, clientauth.ErrUnknownClient},
		{"wrong secret", func(p *clientauth.Presented) { p.Secret = credential.NewClientSecret() }, clientauth.ErrWrongSecret},
		{"A13: truncated secret", func(p *clientauth.Presented) { p.Secret = secret[:len(secret)-1] }, clientauth.ErrWrongSecret},
		{"A13: padded secret", func(p *clientauth.Presented) { p.Secret = secret + " " }, clientauth.ErrWrongSecret},
		{"empty secret", func(p *clientauth.Presented) { p.Secret = "" }, clientauth.ErrWrongSecret},
		{"the hash instead of the secret", func(p *clientauth.Presented) { p.Secret = credential.Secret(credential.Hash(secret.Reveal())) }, clientauth.ErrWrongSecret},
		{"the decoy", func(p *clientauth.Presented) { p.ClientID, p.Secret = "apps.other", "clientele: no such client" }, clientauth.ErrUnknownClient},
		{"not the registered method", func(p *clientauth.Presented) { p.Method = oauth.AuthClientSecretPost }, clientauth.ErrWrongMethod},
		{"disabled", func(*clientauth.Presented) { c.Managed.Disabled = true }, clientauth.ErrDisabled},
	} {
		p := good
		r.change(&p)
		got, err := v.Verify(p)
		if got != nil || oauth.CodeOf(err) != oauth.CodeInvalidClient || !errors.Is(err, r.cause) {
			t.Errorf("%s: %v, want invalid_client because of %v", r.rule, err, r.cause)
		}
	}
	c.Managed.Disabled, c.Secrets = false, nil
	if _, err := v.Verify(good); !errors.Is(err, clientauth.ErrWrongSecret) {
		t.Errorf("a client without secrets: %v", err)
	}
}

func TestVerifyPublicClient(t *testing.T) {
	v, _, c := verifier(t)
	public := clientauth.Presented{ClientID: "apps.app", Method: oauth.AuthNone}
	if _, err := v.Verify(public); !errors.Is(err, clientauth.ErrWrongSecret) {
		t.Errorf("a confidential client without its secret: %v", err)
	}
	c.TokenEndpointAuthMethod, c.Secrets = oauth.AuthNone, nil
	if got, err := v.Verify(public); err != nil || got != c {
		t.Errorf("a public client: %v", err)
	}
	for _, m := range []oauth.AuthMethod{oauth.AuthClientSecretBasic, oauth.AuthClientSecretPost} {
		if _, err := v.Verify(clientauth.Presented{ClientID: "apps.app", Method: m, Secret: "x"}); oauth.CodeOf(err) != oauth.CodeInvalidClient {
			t.Errorf("a public client with a secret by %s: %v", m, err)
		}
	}
	c.Managed.Disabled = true
	if _, err := v.Verify(public); !errors.Is(err, clientauth.ErrDisabled) {
		t.Errorf("a disabled public client: %v", err)
	}
}

// TestA12UnknownClientAndWrongSecretTimeTheSame compares the medians of
// interleaved batches. Without the comparison against the decoy an unknown client
// would be answered in a fraction of the time.
func TestA12UnknownClientAndWrongSecretTimeTheSame(t *testing.T) {
	v, _, _ := verifier(t)
	wrong := clientauth.Presented{ClientID: "apps.app", Method: oauth.AuthClientSecretBasic, Secret: credential.NewClientSecret()}
	unknown := wrong
	unknown.ClientID = "apps.xyz"
	const samples, batch = 500, 20
	times := [2][]time.Duration{}
	for range samples {
		for i, p := range []clientauth.Presented{wrong, unknown} {
			began := time.Now()
			for range batch {
				if _, err := v.Verify(p); err == nil {
					t.Fatal("verified")
				}
			}
			times[i] = append(times[i], time.Since(began))
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	a, b := times[0][samples/2], times[1][samples/2]
	if ratio := float64(max(a, b)) / float64(min(a, b)); ratio > 1.5 {
		t.Errorf("medians: wrong secret %v, unknown client %v (%.2f times)", a/batch, b/batch, ratio)
	}
}
