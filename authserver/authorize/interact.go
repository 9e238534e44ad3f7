package authorize

import (
	"context"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// Step is what a pending request waits for.
type Step int

// The steps.
const (
	// SignIn: the user is to sign in, or to sign in anew.
	SignIn Step = iota
	// AskConsent: the user is signed in and is to be asked.
	AskConsent
	// Barred: the user is signed in and may not use the client.
	Barred
	// Answerable: nothing; the code can be issued.
	Answerable
)

// Interaction finds out what a request waits for.
type Interaction struct {
	// Policies returns the policies in force; it must not block.
	Policies func() *policy.Set
	Consents store.Consents
	Terms    *grant.Terms
}

// Next says what the request waits for. session is nil where nobody is signed in.
// With prompt=none whatever would need a page is refused (OpenID Connect Core 1.0,
// Section 3.1.2.6). The verdict is good for AskConsent and Answerable.
//
// Barred comes before all that is about scopes and consent: nothing is stored for a user
// who may not use the client.
//
// A refusal is a *Redirected or an *Offered; other errors are the store's.
func (i Interaction) Next(ctx context.Context, r *Request, p Pending, session *store.Session) (Step, Verdict, error) {
	quiet := r.Prompt.Has(oauth.PromptNone)
	switch {
	case p.SignedInFor(session) && !p.isFor(session):
		return SignIn, nil, r.Target.Refuse(oauth.LoginRequired("the user who signed in is not the one that id_token_hint names"))
	case !needsSignIn(r, p, session):
	case quiet:
		return SignIn, nil, r.Target.Silent().Refuse(oauth.LoginRequired("the user is not signed in, or not recently enough, or is another"))
	default:
		return SignIn, nil, nil
	}
	switch {
	case rights.MayUse(r.Client, session.Groups, session.Roles):
	case quiet:
		return Barred, nil, r.Target.Silent().Refuse(notAllowed())
	default:
		return Barred, nil, nil
	}
	verdict, err := i.judge(ctx, r, session)
	switch {
	case oauth.CodeOf(err) == oauth.CodeInvalidTarget:
		return AskConsent, verdict, r.Target.Refuse(err)
	case err != nil:
		return AskConsent, verdict, err
	case len(verdict) == 0:
		return AskConsent, verdict, r.Target.Refuse(oauth.InvalidScope("none of the scopes is granted to this client for this user at the resource"))
	case verdict.NeedsConsent() && quiet:
		return AskConsent, verdict, r.Target.Silent().Refuse(oauth.ConsentRequired("the user has not allowed all of this yet"))
	case verdict.NeedsConsent():
		return AskConsent, verdict, nil
	}
	return Answerable, verdict, nil
}

// needsSignIn tells whether the session will not do. Times are compared with when
// the request came and not with the present, or a user who takes a while at the
// consent page would be sent round in circles.
func needsSignIn(r *Request, p Pending, session *store.Session) bool {
	if session == nil || !p.isFor(session) {
		return true
	}
	if r.WantsNewSignIn() && (p.foundBy(session) || session.AuthTime.Before(p.Issued)) {
		return true
	}
	return r.HasMaxAge && session.AuthTime.Before(p.Issued.Add(-r.MaxAge).Truncate(time.Second))
}

// isFor tells whether the session is of whom id_token_hint names. For nobody else is
// there an answer (OpenID Connect Core 1.0, Section 3.1.2.2).
func (p Pending) isFor(session *store.Session) bool {
	return p.Subject == "" || p.Subject == credential.Hash(session.Subject)
}

// foundBy tells whether the request came to a browser in which the session had
// begun. That it is the very one which was there then settles it also within the
// same second; but where the request came without its cookie only the time tells. (It
// is not AuthTime: at their provider people may have been signed in for long.)
func (p Pending) foundBy(session *store.Session) bool {
	return session.ID == p.Session || session.Created.Before(p.Issued)
}

// SignedInFor tells whether the session began after the request came: its person has
// seen the sign-in page, which names the app and where it is.
func (p Pending) SignedInFor(session *store.Session) bool {
	return session != nil && !p.foundBy(session)
}

// WantsNewSignIn tells whether no session will do that began before the request.
func (r *Request) WantsNewSignIn() bool {
	return r.Prompt.Has(oauth.PromptLogin) || r.Prompt.Has(oauth.PromptSelectAccount) || r.HasMaxAge && r.MaxAge == 0
}

// Outgrows tells whether a session that there is when the request comes will not do.
func (r *Request) Outgrows(session store.Session) bool {
	return r.WantsNewSignIn() || r.Subject != "" && r.Subject != session.Subject
}
