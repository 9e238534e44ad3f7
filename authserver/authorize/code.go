package authorize

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Issuer issues authorization codes.
type Issuer struct {
	Codes    store.Codes
	Consents store.Consents
	// Lifetime of a code.
	Lifetime time.Duration
}

// Allow remembers that the user allowed this access, then issues a code. After an
// error part of it may be remembered: the user did allow that.
func (i Issuer) Allow(ctx context.Context, r *Request, s store.Session, access []store.Access, now time.Time) (Answer, error) {
	for _, a := range consented(access, r.Target.issuer) {
		consent := store.Consent{
			Subject: s.Subject, ClientID: r.Client.ClientID, Resource: a.Resource, Place: r.place(), Promise: r.Client.ConsentPromise(),
			Scopes: a.Scopes, Granted: now.UTC().Truncate(time.Second),
		}
		if err := i.Consents.AddConsent(ctx, consent, r.Client.Since()); err != nil {
			return Answer{}, fmt.Errorf("remembering a consent: %w", err)
		}
	}
	return i.Issue(ctx, r, s, access, now)
}

// consented adds to the access that a user allowed the scopes of OpenID Connect at the
// issuer. They are about the user, so that a consent to them at an API holds also for a token
// that is for no API (rights.Decide).
func consented(access []store.Access, issuer string) []store.Access {
	all := slices.Clone(access)
	for _, a := range access {
		api := func(scope string) bool { return !oauth.IdentityScope(scope) }
		if scopes := slices.DeleteFunc(slices.Clone(a.Scopes), api); a.Resource != issuer && len(scopes) > 0 {
			all = append(all, store.Access{Resource: issuer, Scopes: scopes})
		}
	}
	return all
}

// Issue makes a code (RFC 6749, Section 4.1.2) for this access, and the answer that
// brings it to the client. The code itself is stored nowhere, only its hash.
func (i Issuer) Issue(ctx context.Context, r *Request, s store.Session, access []store.Access, now time.Time) (Answer, error) {
	now = now.UTC().Truncate(time.Second)
	code := credential.NewCode()
	err := i.Codes.PutCode(ctx, store.Code{
		Hash: credential.Hash(code.Reveal()),
		Grant: store.Grant{
			ClientID: r.Client.ClientID, Subject: s.Subject, Source: s.Source, SessionID: s.ID,
			Access: access, Roles: s.Roles, Groups: s.Groups, Tenant: s.Tenant, AuthTime: authTime(s), Nonce: r.Nonce, SignOuts: s.SignOuts,
			Place: r.place(),
		},
		RedirectURI: r.RedirectURI,
		Challenge:   r.Challenge,
		FamilyID:    credential.NewFamilyID(),
		Issued:      now,
		Expires:     now.Add(i.Lifetime),
	})
	if err != nil {
		return Answer{}, fmt.Errorf("writing an authorization code: %w", err)
	}
	return r.Target.answer(url.Values{"code": {code.Reveal()}}), nil
}

// place at which a consent to the request holds.
func (r *Request) place() string { return r.Client.ConsentPlace(r.Target.redirect) }

// Deny is the answer of a user who says no.
func Deny(r *Request) Answer {
	return r.Target.refusal(oauth.AccessDenied("the user did not allow it"))
}

// NotAllowed is the answer to a request of a user who may not use the client (RFC 6749,
// Section 4.1.2.1). With prompt=none it goes to the client at once, otherwise when the
// user has read the page and goes back.
func NotAllowed(r *Request) Answer { return r.Target.refusal(notAllowed()) }

func notAllowed() *oauth.Error {
	return oauth.AccessDenied("the user may not use this client")
}

// authTime in Unix seconds. What is not known is no year 1, but left out of tokens.
func authTime(s store.Session) int64 {
	if s.AuthTime.IsZero() {
		return 0
	}
	return s.AuthTime.Unix()
}
