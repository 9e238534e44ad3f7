package authserver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/keys"
)

func TestIDTokensAreSignedWithTheAlgorithmThatIsAskedFor(t *testing.T) {
	w := users(t, authtest.Config{})
	both := authtest.SigningKeys(t, w.Clock.Now(), keys.ES256, keys.RS256)
	published := both
	published.Keys = append([]keys.Key{}, both.Keys...)
	published.Keys[2].Phase, published.Keys[2].Activated = keys.Published, nil
	for _, c := range []struct {
		name           string
		keys           keys.Set
		access, id     string // settings
		signs, signsID string
	}{
		{"by default", both, "", "", keys.ES256, keys.RS256},
		{"one for both", both, "", keys.ES256, keys.ES256, keys.ES256},
		{"turned round", both, keys.RS256, keys.ES256, keys.RS256, keys.ES256},
		{"the RS256 key may not sign yet", published, "", "", keys.ES256, keys.ES256},
		{"there is no RS256 key yet", authtest.SigningKeys(t, w.Clock.Now(), keys.ES256), "", "", keys.ES256, keys.ES256},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.Signing, w.Settings.Algorithm, w.Settings.IDTokenAlgorithm = c.keys, c.access, c.id
			w.Reload(t)
			a := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada"))
			claims(t, w.Issuer, "apps.public", a.Member("id_token"))
			for name, want := range map[string]string{
				"access_token": fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"`, c.signs),
				"id_token":     fmt.Sprintf(`{"alg":%q,"typ":"JWT"`, c.signsID),
			} {
				header, _, _ := strings.Cut(a.Member(name), ".")
				if got := decode(t, header); !strings.HasPrefix(got, want) {
					t.Errorf("%s: header %s, want %s", name, got, want)
				}
			}
			for _, document := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
				listed := fmt.Sprint(w.Do(t, "GET", document, "").JSON()["id_token_signing_alg_values_supported"])
				if !strings.Contains(listed, c.signsID) || !strings.Contains(listed, c.signs) {
					t.Errorf("%s lists %s", document, listed)
				}
			}
		})
	}
}

// A client that is told nothing but the issuer, the keys and its own id takes RS256
// and nothing else (OpenID Connect Core 1.0, Section 3.1.3.7, number 7).
func TestIDTokensSuitClientsThatWereToldNothing(t *testing.T) {
	w := users(t, authtest.Config{})
	w.Signing = authtest.SigningKeys(t, w.Clock.Now(), keys.ES256, keys.RS256)
	w.Reload(t)
	a := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada"))
	ctx := context.Background()
	verifier := oidc.NewVerifier(w.Issuer, oidc.NewRemoteKeySet(ctx, w.Issuer+"/.well-known/jwks.json"), &oidc.Config{
		ClientID: w.public.Registration.ClientID, Now: func() time.Time { return w.Clock.Now() },
	})
	if _, err := verifier.Verify(ctx, a.Member("id_token")); err != nil {
		t.Error(err)
	}
}
