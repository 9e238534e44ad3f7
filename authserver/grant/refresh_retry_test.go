package grant

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// TestS5B21WhatATokenIsInItsFamily: check 6. The family has had rotations at the seconds 0,
// 10, 20 and 30, to the generations 2 to 5.
func TestS5B21WhatATokenIsInItsFamily(t *testing.T) {
	begun := time.Unix(1_800_000_000, 0).UTC()
	keys, err := credential.NewServerKeys(begun)
	if err != nil {
		t.Fatal(err)
	}
	chain := []presentedToken{tokenOf(t, keys, credential.NewRefreshToken(credential.NewFamilyID()))}
	f := store.Family{Generation: 5}
	for i := range 5 { // one more than the family has come to
		next, text, err := keys.Successor(chain[i].RefreshToken, keys.NewestVersion())
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, presentedToken{next, text})
		if i < 4 {
			f.Rotations = append(f.Rotations, store.Rotation{At: begun.Add(time.Duration(i) * 10 * time.Second).Unix(), Key: keys.NewestVersion()})
			f.Current = keys.Seal(credential.Hash(text.Reveal()))
		}
	}
	other := func(generation int64) presentedToken {
		token := credential.NewRefreshToken(credential.NewFamilyID())
		token.Generation = generation
		return tokenOf(t, keys, token)
	}
	const public, confidential = oauth.AuthNone, oauth.AuthClientSecretBasic
	for rule, c := range map[string]struct {
		client  oauth.AuthMethod
		token   presentedToken
		at      int // seconds
		retries store.Retries
		want    use
	}{
		"the current one": {public, chain[4], 300, store.Retries{}, current},
		"the current one, of a confidential client": {confidential, chain[4], 300, store.Retries{}, current},
		"another of that generation":                {confidential, other(5), 31, store.Retries{}, reused},
		"a generation to come":                      {public, chain[5], 31, store.Retries{}, ahead},
		"its predecessor":                           {public, chain[3], 59, store.Retries{}, retried},
		"its predecessor, later":                    {public, chain[3], 60, store.Retries{}, reused},
		"its predecessor, later, confidential":      {confidential, chain[3], 60, store.Retries{}, reused},
		"another of the generation before":          {confidential, other(4), 31, store.Retries{}, reused},
		"the one before that":                       {public, chain[2], 31, store.Retries{}, reused},
		"the one before that, confidential":         {confidential, chain[2], 31, store.Retries{}, retried},
		"every one has its own window":              {confidential, chain[2], 50, store.Retries{}, reused},
		"the first, in its window":                  {confidential, chain[0], 29, store.Retries{}, retried},
		"the first, later":                          {confidential, chain[0], 30, store.Retries{}, reused},
		"two generations in a row":                  {public, chain[3], 31, store.Retries{Generation: 3, InRow: 1}, retried},
		"three generations in a row":                {public, chain[3], 31, store.Retries{Generation: 3, InRow: 2}, reused},
		"the same generation again":                 {public, chain[3], 31, store.Retries{Generation: 4, InRow: 2}, retried},
		"not in a row":                              {public, chain[3], 31, store.Retries{Generation: 2, InRow: 2}, retried},
		"a confidential client, however often":      {confidential, chain[3], 31, store.Retries{Generation: 3, InRow: 9}, retried},
	} {
		f.Retries = c.retries
		r := Request{
			Client: &registry.Client{Registration: oauth.Registration{TokenEndpointAuthMethod: c.client}},
			Terms:  &Terms{RefreshRetryWindow: 30 * time.Second}, Keys: keys, Now: begun.Add(time.Duration(c.at) * time.Second),
		}
		if got := judge(f, c.token, r); got != c.want {
			t.Errorf("%s: %d, want %d", rule, got, c.want)
		}
	}
}

func tokenOf(t *testing.T, keys credential.ServerKeys, token credential.RefreshToken) presentedToken {
	t.Helper()
	text, err := keys.EncodeRefreshToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return presentedToken{token, text}
}
