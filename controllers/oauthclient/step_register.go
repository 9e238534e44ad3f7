package oauthclient

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// desired is what the server should hold of a record.
func (p *pass) desired(rec *record) oauth.Registration {
	spec := &p.client.Spec
	grants := make([]oauth.GrantType, len(spec.GrantTypes))
	for i, g := range spec.GrantTypes {
		grants[i] = oauth.GrantType(g)
	}
	var lifetime int64
	if spec.AccessTokenLifetime != nil {
		lifetime = int64(spec.AccessTokenLifetime.Seconds())
	}
	return oauth.Registration{
		ClientID:                rec.ClientID,
		ClientName:              p.client.Name,
		GrantTypes:              grants,
		TokenEndpointAuthMethod: oauth.AuthMethod(spec.AuthMethod),
		Scope:                   oauth.JoinScope(spec.Scopes),
		Managed: &oauth.Managed{
			Owner:                 oauth.Owner{Namespace: rec.Owner.Namespace, Name: rec.Owner.Name, UID: rec.OwnerUID},
			Counter:               rec.State.Counter,
			Generation:            p.client.Generation,
			SecretHashes:          rec.hashes(),
			RegistrationTokenHash: hashOf(rec.Token),
			Resources:             spec.Resources,
			AccessTokenLifetime:   lifetime,
			NamespaceLabels:       p.namespaceLabels,
			ClientLabels:          p.client.Labels,
			Disabled:              spec.Disabled || p.denied != nil,
			Adopt:                 rec.State.Adopted,
		},
	}
}

// register tells the server what it should hold, unless its inventory says that
// it does.
func (r *Reconciler) register(ctx context.Context, p *pass) *problem {
	want := p.desired(p.record)
	if err := want.Validate(); err != nil {
		return invalidSpec(err)
	}
	digest := want.Digest()
	entry, there := p.server.Inventory().Client(p.record.Owner)
	p.held = there && entry.Digest == digest && entry.Owner.UID == p.record.OwnerUID
	if p.held {
		return nil
	}
	// Credentials are handed out only after the server accepted the client.
	p.lost = p.client.Status.CredentialsSecret != "" && (!there || entry.Digest == tampered)
	if err := p.server.State().Err; errors.Is(err, registrar.ErrUnreachable) {
		// The inventory loop tries already; a hundred others would only wait for
		// the same timeout.
		return p.notRegistered(err)
	}
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
	if answer.Digest != digest {
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
