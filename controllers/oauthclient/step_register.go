package oauthclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// desired is what the server should hold of a record.
func (p *pass) desired(rec *record) oauth.Registration {
	spec := &p.client.Spec
	grants := make([]oauth.GrantType, len(spec.GrantTypes))
	for i, g := range spec.GrantTypes {
		grants[i] = oauth.GrantType(g)
	}
	tokens := spec.Tokens
	if tokens == nil {
		tokens = &v1alpha1.ClientTokens{}
	}
	return oauth.Registration{
		ClientID:                rec.ClientID,
		ClientName:              cmp.Or(spec.DisplayName, p.client.Name),
		Description:             spec.Description,
		ClientURI:               spec.HomepageURL,
		LogoURI:                 spec.LogoURL,
		PolicyURI:               spec.PolicyURL,
		TOSURI:                  spec.TermsOfServiceURL,
		GrantTypes:              grants,
		TokenEndpointAuthMethod: authMethod(spec),
		Scope:                   oauth.JoinScope(spec.Scopes),
		RedirectURIs:            rec.admitted(spec.RedirectURIs),
		PostLogoutRedirectURIs:  spec.PostLogoutRedirectURIs,
		Managed: &oauth.Managed{
			Owner:                    oauth.Owner{Namespace: rec.Owner.Namespace, Name: rec.Owner.Name, UID: rec.OwnerUID},
			Counter:                  rec.State.Counter,
			Generation:               p.client.Generation,
			SecretHashes:             rec.hashes(),
			RegistrationTokenHash:    hashOf(rec.Token),
			Resources:                spec.Resources,
			AccessTokenLifetime:      seconds(tokens.AccessTokenLifetime),
			RefreshTokenLifetime:     seconds(tokens.RefreshTokenLifetime),
			RefreshTokenIdleLifetime: seconds(tokens.RefreshTokenIdleLifetime),
			Trusted:                  p.trusted(),
			PKCEOptional:             p.pkceExempt(),
			AllowedUsers:             allowedUsers(spec.Users),
			NamespaceLabels:          p.namespaceLabels,
			ClientLabels:             p.client.Labels,
			Disabled:                 spec.Disabled || p.denied != nil,
			Adopt:                    rec.State.Adopted,
		},
	}
}

// allowedUsers is nil where everyone may use the client.
func allowedUsers(users *v1alpha1.ClientUsers) []oauth.AllowedUsers {
	if users == nil {
		return nil
	}
	allowed := make([]oauth.AllowedUsers, 0, len(users.Allow))
	for _, a := range users.Allow {
		allowed = append(allowed, oauth.AllowedUsers{Groups: a.Groups, Roles: a.Roles})
	}
	return allowed
}

// authMethod is how the client authenticates; a default that is not in the spec
// is that of its type.
func authMethod(spec *v1alpha1.OAuthClientSpec) oauth.AuthMethod {
	switch {
	case spec.AuthMethod != "":
		return oauth.AuthMethod(spec.AuthMethod)
	case spec.Type == v1alpha1.ClientPublic:
		return oauth.AuthNone
	}
	return oauth.AuthClientSecretBasic
}

// public: the client has no secret.
func public(oac *v1alpha1.OAuthClient) bool { return authMethod(&oac.Spec) == oauth.AuthNone }

// forUsers: the client acts for users. What is about users is left out of the
// registration of others, so that they are not registered anew when it changes.
func forUsers(spec *v1alpha1.OAuthClientSpec) bool {
	return slices.Contains(spec.GrantTypes, v1alpha1.GrantAuthorizationCode)
}

// seconds rounds down: each is a limit. nil is none.
func seconds(d *metav1.Duration) int64 {
	if d == nil {
		return 0
	}
	return int64(d.Seconds())
}

// register tells the server what it should hold, unless its inventory says that
// it does.
func (r *Reconciler) register(ctx context.Context, p *pass) *problem {
	want := p.desired(p.record)
	if err := want.Validate(p.as.Spec.Registration.PrivateUseSchemes...); err != nil {
		// What is withheld may be what it lacks.
		return cmp.Or(p.withheld, invalidSpec(err))
	}
	if problem := r.reserved(ctx, p); problem != nil {
		return problem
	}
	digest := want.Digest()
	entry, there := p.server.Inventory().Client(p.record.Owner)
	p.held = there && entry.Digest == digest && entry.Owner.UID == p.record.OwnerUID
	if p.held {
		return nil
	}
	if problem := r.claim(ctx, p); problem != nil {
		return problem
	}
	// Credentials are handed out only after the server accepted the client.
	p.lost = p.client.Status.CredentialsSecret != "" && (!there || entry.Digest == tampered)
	if err := p.server.State().Err; errors.Is(err, registrar.ErrUnreachable) {
		// The inventory loop tries already; a hundred others would only wait for
		// the same timeout.
		return p.notRegistered(err)
	}
	cause := p.cause()
	problem := r.send(ctx, p, want)
	if problem != nil && problem.crashed != nil {
		return problem
	}
	r.counters.registered(cause, problem)
	if problem == nil && cause == causeLost {
		p.didRegisterAgain()
	}
	return problem
}

// send sends the server what it should hold.
func (r *Reconciler) send(ctx context.Context, p *pass, want oauth.Registration) *problem {
	answer, err := p.server.Register(ctx, want)
	if isStale(err) {
		return r.catchUp(ctx, p, err)
	}
	if err != nil {
		return p.notRegistered(err)
	}
	if err := r.crash(PointRegistered); err != nil {
		return crashed(err)
	}
	if answer.Digest != want.Digest() {
		return p.notRegistered(fmt.Errorf("%w: it holds another registration than it was sent", registrar.ErrGarbage))
	}
	p.held, p.lost = true, false
	return nil
}

// tampered is the digest that the inventory tells of a record that was edited at
// the server.
const tampered = "tampered"

func (p *pass) notRegistered(err error) *problem {
	problem := fromServer(err)
	if p.lost && !problem.stalled {
		problem.message = "the server lost the registration, and it could not be made again yet: " + problem.message
		problem.reason = v1alpha1.ReasonStoreLost
	}
	return problem
}

func isStale(err error) bool {
	return registrar.CodeOf(err) == oauth.CodeStaleCounter
}

// catchUp settles a stale_counter: either this operator's view is old, then the
// newer one will come; or the registration Secret really is behind the server
// (it was lost, or restored), then its counter moves past the server's. The
// Secret's resourceVersion decides between two operators, so an old leader never
// gets past this.
func (r *Reconciler) catchUp(ctx context.Context, p *pass, cause error) *problem {
	current, err := r.isCurrent(ctx, p)
	if err != nil {
		return fromKubernetes(err, "compare the cache with the API server")
	}
	if !current {
		problem := fromServer(cause)
		problem.quiet, problem.outdated, problem.outcome = true, true, outcome.RetryAfter(shortRequeue)
		return problem
	}
	var status *registrar.StatusError
	errors.As(cause, &status)
	changed := p.record.clone()
	changed.State.Counter = max(changed.State.Counter, status.Counter) + 1
	if problem := r.writeRecord(ctx, p, changed); problem != nil {
		return problem
	}
	if err := r.crash(PointRecorded); err != nil {
		return crashed(err)
	}
	want := p.desired(p.record)
	answer, err := p.server.Register(ctx, want)
	if err != nil {
		return p.notRegistered(err)
	}
	p.held, p.lost = answer.Digest == want.Digest(), false
	if !p.held {
		return p.notRegistered(fmt.Errorf("%w: it holds another registration than it was sent", registrar.ErrGarbage))
	}
	return nil
}

// isCurrent says whether the object and its record are what the API server has.
func (r *Reconciler) isCurrent(ctx context.Context, p *pass) (bool, error) {
	var oac v1alpha1.OAuthClient
	if err := r.Live.Get(ctx, keyOf(p.client), &oac); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	var secret corev1.Secret
	if err := r.Live.Get(ctx, p.recordKey(), &secret); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return oac.UID == p.client.UID && oac.Generation == p.client.Generation &&
		secret.ResourceVersion == p.record.secret.ResourceVersion, nil
}
