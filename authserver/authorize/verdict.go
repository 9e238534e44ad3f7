package authorize

import (
	"context"
	"slices"

	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// Verdict is what may be granted at each resource of a request where anything may,
// in the order of the request.
type Verdict []ResourceVerdict

// ResourceVerdict is what may be granted at one resource.
type ResourceVerdict struct {
	Resource string
	signin.Verdict
}

// Ask tells whether the consent page is to be shown, for any of them.
func (v Verdict) Ask() bool {
	return slices.ContainsFunc(v, func(at ResourceVerdict) bool { return at.Verdict.Ask })
}

// Access is all that may be granted.
func (v Verdict) Access() []store.Access {
	var access []store.Access
	for _, at := range v {
		access = append(access, store.Access{Resource: at.Resource, Scopes: at.Grantable})
	}
	return access
}

// judge applies the rule of what may be granted at each resource: asked ∩ registered
// ∩ policy ∩ the user's roles, and what of it must be asked. The scopes asked for
// count at every resource (RFC 8707, Section 2).
func (i Interaction) judge(ctx context.Context, r *Request, session *store.Session) (Verdict, error) {
	trusted := r.Client.SkipsConsent(r.Target.redirect)
	if trusted {
		var err error
		if trusted, err = grant.Unasked(ctx, i.Consents, r.Client, session.Subject); err != nil {
			return nil, err
		}
	}
	var all Verdict
	for _, resource := range r.Resources {
		verdict, err := i.judgeAt(ctx, r, session, resource, trusted)
		if err != nil {
			return nil, err
		}
		if len(verdict.Grantable) > 0 {
			all = append(all, ResourceVerdict{resource, verdict})
		}
	}
	return all, nil
}

func (i Interaction) judgeAt(ctx context.Context, r *Request, session *store.Session, resource string, trusted bool) (signin.Verdict, error) {
	remembered, err := grant.RememberedConsent(ctx, i.Consents, r.Client, session.Subject, resource, r.place())
	if err != nil {
		return signin.Verdict{}, err
	}
	allowed := func(scope string) bool {
		right := i.Rights.ForUser(r.Client, i.Terms, session.Roles, resource, []string{scope}, oauth.GrantAuthorizationCode)
		return len(right.Scopes) == 1
	}
	return signin.Request{
		Asked:      i.Rights.Asked(r.Client, resource, r.Scopes),
		Registered: i.Rights.Registered(r.Client, resource),
		Allowed:    allowed,
		Remembered: remembered,
		Trusted:    trusted,
		AskAgain:   r.Prompt.Has(oauth.PromptConsent) || !r.Client.RemembersConsent(r.Target.redirect),
	}.Judge(), nil
}
