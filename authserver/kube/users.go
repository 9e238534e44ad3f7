package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
)

// people keeps what the AuthorizationServer says about users: the local users of
// one Secret and the upstream providers, each with the client secret of another.
// Secrets are watched by name, as those with the keys, from when the spec names
// them until it does not any more.
//
// What cannot be read (a Secret that is missing, or damaged) leaves what was
// there before in force, and is told in the log: nobody is signed out by a slip.
// What the spec does not name any more is gone at once, but that another Secret
// with local users takes over only once it can be read.
//
// Before anything was read, as after a start, there is nothing to stay in force.
// Then it is not known who may sign in, which is an outage: whoever asks about one
// of these people is told to come again, and nobody is refused.
type people struct {
	local signin.Local

	secrets map[string]*watchedSecret // by name
	// good are the client secrets read last, by Secret and key.
	good map[v1alpha1.SecretKeyReference]credential.Secret
	// text is the local users document in force, from is where it was read.
	text string
	from *v1alpha1.SecretKeyReference
	// providers in force, for issuer.
	providers []signin.Provider
	issuer    string
	// told is what was told last.
	told string
}

// watchedSecret is a Secret that is watched until stop.
type watchedSecret struct {
	*watched
	stop context.CancelFunc
}

// Users are the local users, for authserver.Options. They change as the Secret
// does, and are not known until it was read, or the spec is seen to name none.
func (a *Adapter) Users() *signin.Local { return &a.people.local }

// Upstreams returns the upstream providers in force, for authserver.Options; nil:
// they are not known yet.
func (a *Adapter) Upstreams() *signin.Upstreams { return a.upstreams.Load() }

// follow takes over what the spec says about users and reports what is not in
// force. It is called by Run's goroutine only.
func (a *Adapter) follow(ctx context.Context, running *sync.WaitGroup, server *v1alpha1.AuthorizationServer, changed func()) *oauth.UsersReport {
	spec := server.Spec.Users
	if spec == nil {
		spec = &v1alpha1.UsersSpec{}
	}
	a.watchSecrets(ctx, running, secretNames(spec), changed)
	problems := append(a.followLocal(spec.Local), a.followUpstreams(server.Spec.Issuer, spec.Upstreams)...)
	if told := strings.Join(details(problems), "; "); told != a.people.told {
		a.people.told = told
		if told != "" {
			a.log.Warn("people who may sign in: not all is in force", "problem", told)
		}
	}
	return oauth.NewUsersReport(server.Generation, problems)
}

// details are the texts of problems.
func details(problems []oauth.UsersProblem) []string {
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Detail)
	}
	return texts
}

// secretNames lists the Secrets that the spec names.
func secretNames(spec *v1alpha1.UsersSpec) []string {
	var names []string
	if spec.Local != nil {
		names = append(names, spec.Local.SecretRef.Name)
	}
	for _, u := range spec.Upstreams {
		if u.ClientSecretRef != nil {
			names = append(names, u.ClientSecretRef.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// watchSecrets begins to watch Secrets that are named now, and ends watching
// those that are not.
func (a *Adapter) watchSecrets(ctx context.Context, running *sync.WaitGroup, names []string, changed func()) {
	for name, w := range a.people.secrets {
		if !slices.Contains(names, name) {
			w.stop()
			delete(a.people.secrets, name)
		}
	}
	for _, name := range names {
		if a.people.secrets[name] != nil {
			continue
		}
		w, err := a.watch("Secret", name, &corev1.SecretList{}, &corev1.Secret{}, changed)
		if err != nil {
			a.log.Error("cannot watch", "kind", "Secret", "object", name, "error", err)
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		a.people.secrets[name] = &watchedSecret{w, stop}
		start(ctx, running, w, changed)
	}
}

// start watches until ctx ends, and tells as well that an object does not exist.
func start(ctx context.Context, running *sync.WaitGroup, w *watched, changed func()) {
	running.Go(func() { w.informer.RunWithContext(ctx) })
	running.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
			changed()
		}
	})
}

// referenced reads a key of a Secret that is watched; or else the problem says why
// it cannot be read, and does not quote it. There are both where it was read, but may
// not be any more: changes of it are not seen.
func (p *people) referenced(ref v1alpha1.SecretKeyReference) ([]byte, *oauth.UsersProblem) {
	problem := &oauth.UsersProblem{Reason: oauth.UsersPending}
	w := p.secrets[ref.Name]
	if w == nil {
		problem.Detail = fmt.Sprintf("Secret %s is not watched", ref.Name)
		return nil, problem
	}
	data, text := read(w.watched, ref.Key, func(b []byte) ([]byte, error) { return b, nil })
	switch {
	case w.forbidden():
		problem.Reason, problem.Detail = oauth.UsersSecretForbidden, w.missing()
	case data != nil:
		return *data, nil
	case w.get() != nil:
		problem.Reason, problem.Detail = oauth.UsersSecretInvalid, text
	default:
		problem.Reason, problem.Detail = w.absent(), text
	}
	if data == nil {
		return nil, problem
	}
	return *data, problem
}

func (a *Adapter) followLocal(spec *v1alpha1.LocalUsers) []oauth.UsersProblem {
	p := &a.people
	if spec == nil {
		p.local.Set(nil)
		if p.from != nil {
			p.from, p.text = nil, ""
			a.log.Info("local users: the AuthorizationServer names none any more")
		}
		return nil
	}
	if p.from == nil {
		p.local.Forget() // until the Secret is read, below or later
	}
	ref := spec.SecretRef
	ref.Key = cmp.Or(ref.Key, v1alpha1.LocalUsersKey)
	data, problem := p.referenced(ref)
	var problems []oauth.UsersProblem
	if problem != nil {
		problem.Detail = "local users: " + problem.Detail
		problems = append(problems, *problem)
	}
	if problem == nil || data != nil {
		if err := a.takeOver(ref, data); err != nil {
			problems = append(problems, oauth.UsersProblem{
				Reason: oauth.UsersSecretInvalid,
				Detail: fmt.Sprintf("Secret %s/%s, key %s: %v", a.namespace, ref.Name, ref.Key, err),
			})
		}
	}
	for i := range problems {
		problems[i].Kept = p.from != nil
	}
	return problems
}

// takeOver the local users of a document, unless they are in force.
func (a *Adapter) takeOver(ref v1alpha1.SecretKeyReference, document []byte) error {
	p := &a.people
	if p.from != nil && *p.from == ref && p.text == string(document) {
		return nil
	}
	directory, err := signin.ParseDirectory(document)
	if err != nil {
		return err
	}
	p.local.Set(directory)
	p.from, p.text = &ref, string(document)
	a.log.Info("local users in force", "users", directory.Len(), "secret", ref.Name)
	return nil
}

// followUpstreams makes the providers anew when one of them changed. At one whose
// client secret was never read nobody signs in.
func (a *Adapter) followUpstreams(issuer string, specs []v1alpha1.Upstream) []oauth.UsersProblem {
	p := &a.people
	var problems []oauth.UsersProblem
	invalid := func(detail string) []oauth.UsersProblem {
		return append(problems, oauth.UsersProblem{Reason: oauth.UsersProviderInvalid, Detail: detail, Kept: len(p.providers) > 0})
	}
	var providers []signin.Provider
	for _, spec := range specs {
		provider := providerOf(spec)
		if spec.ClientSecretRef != nil {
			secret, problem := p.clientSecret(*spec.ClientSecretRef)
			if problem != nil {
				problem.Provider, problem.Kept = spec.Name, secret != ""
				problem.Detail = fmt.Sprintf("upstream provider %s: %s", spec.Name, problem.Detail)
				problems = append(problems, *problem)
			}
			provider.ClientSecret, provider.Closed = secret, secret == ""
		}
		providers = append(providers, provider)
	}
	if p.issuer == issuer && slices.EqualFunc(p.providers, providers, signin.Provider.Equal) {
		return problems
	}
	cookies, err := signin.NewCookies(issuer)
	if err != nil {
		return invalid(err.Error())
	}
	upstreams, err := signin.NewUpstreams(signin.UpstreamOptions{
		Providers: providers, Issuer: issuer, Client: a.outbound, Keys: a.currentKeys, Cookies: cookies,
	})
	if err != nil {
		return invalid(fmt.Sprintf("AuthorizationServer %s/%s: %v", a.namespace, a.name, err))
	}
	a.upstreams.Store(upstreams)
	p.issuer, p.providers = issuer, providers
	a.log.Info("upstream providers in force", "providers", len(providers))
	return problems
}

// clientSecret is the one of a reference, or the one read there before with the
// reason why it cannot be read now.
func (p *people) clientSecret(ref v1alpha1.SecretKeyReference) (credential.Secret, *oauth.UsersProblem) {
	ref.Key = cmp.Or(ref.Key, v1alpha1.UpstreamSecretKey)
	data, problem := p.referenced(ref)
	if problem == nil && len(data) == 0 {
		problem = &oauth.UsersProblem{
			Reason: oauth.UsersSecretInvalid,
			Detail: fmt.Sprintf("Secret %s, key %s is empty", ref.Name, ref.Key),
		}
	}
	if len(data) > 0 {
		p.good[ref] = credential.Secret(data)
	}
	return p.good[ref], problem
}

func providerOf(u v1alpha1.Upstream) signin.Provider {
	p := signin.Provider{
		Name: u.Name, DisplayName: u.DisplayName, Issuer: u.Issuer, ClientID: u.ClientID,
		Scopes: slices.Clone(u.Scopes), UserInfo: u.UserInfo,
	}
	if c := u.Claims; c != nil {
		p.Claims = signin.ClaimMapping{
			Username: c.Username, Name: c.Name, Email: c.Email, EmailVerified: c.EmailVerified,
			Groups: c.Groups, Roles: c.Roles, Tenant: c.Tenant,
		}
	}
	if a := u.Allow; a != nil {
		p.Allow = signin.Allow{Domains: slices.Clone(a.Domains), Groups: slices.Clone(a.Groups), Contact: a.Contact}
		for _, c := range a.Claims {
			p.Allow.Claims = append(p.Allow.Claims, signin.AllowedClaim{Name: c.Name, Values: slices.Clone(c.Values)})
		}
	}
	return p
}

// currentKeys are the server keys that were read last.
func (a *Adapter) currentKeys() credential.ServerKeys {
	if k := a.serverKeys.Load(); k != nil {
		return *k
	}
	return credential.ServerKeys{}
}
