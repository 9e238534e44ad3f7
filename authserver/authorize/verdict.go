package authorize

import (
	"context"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// Verdict is what may be granted at each resource of a request where anything may,
// in the order of the request.
type Verdict []rights.Answer

// NeedsConsent reports whether the consent page is to be shown, for any of them.
func (v Verdict) NeedsConsent() bool {
	return slices.ContainsFunc(v, func(at rights.Answer) bool { return at.NeedsConsent })
}

// Access is all that may be granted.
func (v Verdict) Access() []store.Access {
	var access []store.Access
	for _, at := range v {
		access = append(access, store.Access{Resource: at.Resource, Scopes: at.Granted})
	}
	return access
}

// judge decides what may be granted at each resource. The scopes asked for count at
// every resource (RFC 8707, Section 2). The error is an invalid_target if the resources
// were named and there is nothing to be had at any but scopes of OpenID Connect; or the
// store's.
func (i Interaction) judge(ctx context.Context, r *Request, session *store.Session) (Verdict, error) {
	consents := rights.Consents{Store: i.Consents}
	consent := rights.Consent{
		CanAsk:    true,
		AskAgain:  r.Prompt.Has(oauth.PromptConsent) || !r.Client.RemembersConsent(r.Target.redirect),
		NotNeeded: r.Client.SkipsConsent(r.Target.redirect),
	}
	if consent.NotNeeded {
		var err error
		if consent.NotNeeded, err = consents.NotNeeded(ctx, r.Client, session.Subject); err != nil {
			return nil, err
		}
	}
	at := func(resource string) (answer rights.Answer, err error) {
		if consent.Scopes, err = consents.Scopes(ctx, r.Client, session.Subject, resource, r.place()); err != nil {
			return answer, err
		}
		return rights.Decide(i.Policies(), rights.Question{
			Client: r.Client, Grant: oauth.GrantAuthorizationCode, User: &rights.User{Roles: session.Roles, Consent: consent},
			Resource: resource, Named: r.ResourceNamed, Asked: r.Scopes, Terms: &i.Terms.Terms,
		})
	}
	return judgeEach(r.Resources, at)
}

// judgeEach asks for each resource. Where the answer is for the issuer it is asked again
// about that one, since consent is given for a resource.
func judgeEach(resources []string, at func(resource string) (rights.Answer, error)) (Verdict, error) {
	var all Verdict
	var refused error
	for _, resource := range resources {
		answer, err := at(resource)
		if err == nil && answer.Resource != resource {
			answer, err = at(answer.Resource)
		}
		switch {
		case oauth.CodeOf(err) == oauth.CodeInvalidTarget:
			refused = err
		case err != nil:
			return nil, err
		case len(answer.Granted) > 0:
			all = append(all, answer)
		}
	}
	if len(all) == 0 {
		return nil, refused
	}
	return all, nil
}
