package oauth

import (
	"errors"
	"strings"
	"testing"
)

// The example of RFC 7636, Appendix B.
const (
	rfcVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestA2ParseChallenge(t *testing.T) {
	for name, c := range map[string]struct {
		challenge, method string
		good              bool
	}{
		"S256":                      {rfcChallenge, "S256", true},
		"none at all":               {"", "", true},
		"plain":                     {rfcVerifier, "plain", false},
		"method left out: plain":    {rfcChallenge, "", false},
		"method in lower case":      {rfcChallenge, "s256", false},
		"unknown method":            {rfcChallenge, "S512", false},
		"method without challenge":  {"", "S256", false},
		"plain without challenge":   {"", "plain", false},
		"too short":                 {rfcChallenge[:42], "S256", false},
		"too long":                  {rfcChallenge + "A", "S256", false},
		"padded":                    {rfcChallenge + "=", "S256", false},
		"padding inside":            {rfcChallenge[:42] + "=", "S256", false},
		"base64, not base64url":     {strings.Replace(rfcChallenge, "-", "+", 1), "S256", false},
		"line break inside":         {rfcChallenge[:20] + "\n" + rfcChallenge[21:], "S256", false},
		"not ASCII":                 {rfcChallenge[:41] + "é", "S256", false},
		"A13 bits that say nothing": {rfcChallenge[:42] + "N", "S256", false},
		"hexadecimal":               {strings.Repeat("a", 64), "S256", false},
		"A15 huge":                  {strings.Repeat("A", 1<<20), "S256", false},
	} {
		got, err := ParseChallenge(c.challenge, c.method)
		if c.good && (err != nil || got != c.challenge) || !c.good && (got != "" || !errors.Is(err, InvalidRequest(""))) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestA2CheckVerifier(t *testing.T) {
	for name, c := range map[string]struct {
		verifier, challenge string
		good                bool
	}{
		"example of RFC 7636":            {rfcVerifier, rfcChallenge, true},
		"no PKCE":                        {"", "", true},
		"challenge without verifier":     {"", rfcChallenge, false},
		"verifier without challenge":     {rfcVerifier, "", false},
		"another verifier":               {strings.Repeat("a", 43), rfcChallenge, false},
		"the challenge itself (plain)":   {rfcChallenge, rfcChallenge, false},
		"too short":                      {rfcVerifier[:42], rfcChallenge, false},
		"too long":                       {strings.Repeat("a", 129), rfcChallenge, false},
		"wrong alphabet":                 {rfcVerifier[:42] + "+", rfcChallenge, false},
		"space":                          {rfcVerifier[:42] + " ", rfcChallenge, false},
		"not ASCII":                      {rfcVerifier[:41] + "é", rfcChallenge, false},
		"verifier in another case":       {strings.ToLower(rfcVerifier), rfcChallenge, false},
		"challenge that is none":         {rfcVerifier, "x", false},
		"A13 challenge encoded anew":     {rfcVerifier, rfcChallenge[:42] + "N", false},
		"A13 verifier with a line break": {rfcVerifier + "\n", rfcChallenge, false},
	} {
		err := CheckVerifier(c.verifier, c.challenge)
		if c.good != (err == nil) || err != nil && !errors.Is(err, InvalidGrant("")) {
			t.Errorf("%s: got %v", name, err)
		}
		if want := c.good && c.challenge != ""; VerifyS256(c.verifier, c.challenge) != want {
			t.Errorf("%s: VerifyS256 is not %t", name, want)
		}
		// F36: neither is in the error.
		if err != nil && (c.verifier != "" && strings.Contains(err.Error(), c.verifier) || len(c.challenge) > 1 && strings.Contains(err.Error(), c.challenge)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestA2VerifierLengths(t *testing.T) {
	for n, want := range map[int]bool{0: false, 42: false, 43: true, 128: true, 129: false} {
		if ValidVerifier(strings.Repeat("~", n)) != want {
			t.Errorf("%d characters: not %t", n, want)
		}
	}
}

func FuzzPKCE(f *testing.F) {
	f.Add(rfcVerifier, rfcChallenge, "S256")
	f.Add(rfcChallenge, rfcChallenge, "plain")
	f.Add("", "", "")
	f.Add(rfcVerifier+"\n", rfcChallenge[:42]+"N", "S256")
	f.Fuzz(func(t *testing.T, verifier, challenge, method string) {
		parsed, err := ParseChallenge(challenge, method)
		if err != nil {
			if CodeOf(err) != CodeInvalidRequest || parsed != "" {
				t.Fatalf("%q, %v", parsed, err)
			}
			return
		}
		if (parsed == "") != (challenge == "" && method == "") {
			t.Fatalf("%q, %q gave %q", challenge, method, parsed)
		}
		err = CheckVerifier(verifier, parsed)
		if err == nil && (verifier == "") != (parsed == "") {
			t.Fatalf("one of them is enough: %q, %q", verifier, parsed)
		}
		if err == nil && verifier != "" && (len(verifier) < 43 || len(verifier) > 128 || verifier == parsed) {
			t.Fatalf("%q is a verifier", verifier)
		}
	})
}
