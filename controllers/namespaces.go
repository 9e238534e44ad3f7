package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// namespaces finds out which of the namespaces that are to be watched can be. A cache
// that is not allowed to list one namespace would never be filled.
type namespaces struct {
	options Options
	live    client.Reader
	// skipped are those that were left out the last time.
	skipped []string
}

// all are the namespaces that are to be watched, in order.
func (n *namespaces) all() []string {
	all := slices.Concat(n.options.AuthorizationServerNamespaces, n.options.WatchNamespaces)
	slices.Sort(all)
	return slices.Compact(all)
}

// listable are those that can be watched. Of those that cannot be asked about for another
// reason than missing rights, what was known before stands.
func (n *namespaces) listable(ctx context.Context, before []string) ([]string, error) {
	var listable, skipped []string
	for _, name := range n.all() {
		err := n.list(ctx, name)
		switch {
		case err == nil:
			listable = append(listable, name)
		case !apierrors.IsForbidden(err):
			if before == nil {
				return nil, fmt.Errorf("look into namespace %s: %w", name, err)
			}
			if slices.Contains(before, name) {
				listable = append(listable, name)
			} else {
				skipped = append(skipped, name)
			}
		case slices.Contains(n.options.AuthorizationServerNamespaces, name):
			return nil, fmt.Errorf("the operator lacks its Role in namespace %s, which holds AuthorizationServers: %w", name, err)
		default:
			skipped = append(skipped, name)
			if !slices.Contains(n.skipped, name) {
				n.options.Log.Info("a namespace of --watch-namespaces is left out: it does not exist, or the operator lacks its Role there; it is tried again every "+
					n.options.CheckNamespacesEvery.String(), "namespace", name, "error", err.Error())
			}
		}
	}
	n.skipped = skipped
	return listable, nil
}

// list reads one object of each kind that is watched there.
func (n *namespaces) list(ctx context.Context, name string) error {
	for _, kind := range []client.ObjectList{&v1alpha1.OAuthClientList{}, &v1alpha1.ScopePolicyList{}, &corev1.SecretList{}} {
		opts := []client.ListOption{client.InNamespace(name), client.Limit(1)}
		if _, secrets := kind.(*corev1.SecretList); secrets {
			opts = append(opts, client.HasLabels{v1alpha1.LabelSecretKind})
		}
		if err := n.live.List(ctx, kind, opts...); err != nil {
			return err
		}
	}
	return nil
}

// changed waits until another set of namespaces can be watched.
func (n *namespaces) changed(ctx context.Context, watched []string) {
	ticker := time.NewTicker(n.options.CheckNamespacesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, err := n.listable(ctx, watched)
		if err != nil || ctx.Err() != nil {
			continue // the watches of the cache fail too, and say so
		}
		if !slices.Equal(now, watched) {
			n.options.Log.Info("other namespaces can be watched now; starting anew", "namespaces", now)
			return
		}
	}
}
