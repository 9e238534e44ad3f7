package kube

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// The RBAC verbs on the AuthorizationServer: VerbManage makes a registrar,
// VerbRegister lets somebody register clients as RFC 7591 has it, and no more.
const (
	VerbManage   = "manage"
	VerbRegister = "register"
)

// reviewTimeout bounds one round of reviews, and the wait for its turn.
const reviewTimeout = 5 * time.Second

// Authorize implements endpoint.RegistrarAuthorizer. Everything that is not a
// clear yes permits nothing.
//
//  1. the token looks like one for this AuthorizationServer; floods of others do
//     not reach the API server
//  2. what was found out in the last seconds is reused
//  3. TokenReview: authenticated, and our audience came back
//  4. SubjectAccessReview: verb manage on the AuthorizationServer, or else register
func (a *Adapter) Authorize(ctx context.Context, bearer string) (endpoint.Caller, error) {
	uid := a.uid.Load()
	if uid == nil {
		return endpoint.Caller{}, errors.New("the AuthorizationServer is not known yet")
	}
	audience := v1alpha1.RegistrarAudience(*uid)
	// 1.
	expires, err := plausible(bearer, audience, a.now())
	if err != nil {
		return endpoint.Caller{}, oauth.InvalidToken("the token is not valid here").WithCause(err)
	}
	// 2.
	key := sha256.Sum256([]byte(audience + "\x00" + bearer))
	return a.reviews.do(ctx, key, expires, func(ctx context.Context) (endpoint.Caller, error) {
		return a.review(ctx, bearer, audience)
	})
}

func (a *Adapter) review(ctx context.Context, bearer, audience string) (endpoint.Caller, error) {
	cluster, err := a.clusterID(ctx)
	if err != nil {
		return endpoint.Caller{}, err
	}
	// 3.
	user, err := a.authenticate(ctx, bearer, audience)
	if err != nil {
		return endpoint.Caller{}, err
	}
	// 4.
	caller := endpoint.Caller{Cluster: cluster, User: user.Username}
	if caller.Manage, err = a.may(ctx, user, VerbManage); err != nil || caller.Manage {
		return caller, err
	}
	caller.Register, err = a.may(ctx, user, VerbRegister)
	return caller, err
}

func (a *Adapter) authenticate(ctx context.Context, bearer, audience string) (authenticationv1.UserInfo, error) {
	review := &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: bearer, Audiences: []string{audience}},
	}
	if err := a.client.Create(ctx, review); err != nil {
		return authenticationv1.UserInfo{}, fmt.Errorf("review the caller's token: %w", err)
	}
	status := review.Status
	switch {
	case !status.Authenticated:
		return authenticationv1.UserInfo{}, oauth.InvalidToken("the token is not valid here").WithCause(errors.New("TokenReview: not authenticated"))
	case !slices.Contains(status.Audiences, audience):
		// An authenticator that does not know audiences leaves them empty: the
		// token may then be meant for anybody.
		return authenticationv1.UserInfo{}, oauth.InvalidToken("the token is not valid here").WithCause(errors.New("TokenReview: the audience did not come back"))
	}
	return status.User, nil
}

func (a *Adapter) may(ctx context.Context, user authenticationv1.UserInfo, verb string) (bool, error) {
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, Groups: user.Groups, UID: user.UID, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group:     v1alpha1.GroupVersion.Group,
			Resource:  "authorizationservers",
			Namespace: a.namespace,
			Name:      a.name,
			Verb:      verb,
		},
	}}
	if err := a.client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("review the caller's rights: %w", err)
	}
	return review.Status.Allowed && !review.Status.Denied, nil
}

// clusterID is Options.ClusterID, or else the uid of the namespace kube-system: it exists
// once in every cluster and is never made anew.
func (a *Adapter) clusterID(ctx context.Context) (string, error) {
	if id := a.cluster.Load(); id != nil {
		return *id, nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := a.client.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		return "", fmt.Errorf("read the uid of namespace %s: %w", metav1.NamespaceSystem, err)
	}
	id := string(namespace.UID)
	if id == "" {
		return "", fmt.Errorf("namespace %s has no uid", metav1.NamespaceSystem)
	}
	a.cluster.Store(&id)
	return id, nil
}
