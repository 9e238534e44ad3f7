package oauthclient

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// strandedAfter is how long the AuthorizationServer of a tombstone must be gone
	// before that is told: it may be made again in a moment.
	strandedAfter = time.Minute
	// strandedAgain is how often it is told as long as it stays so. The API server
	// keeps events for an hour.
	strandedAgain = time.Hour
)

// tombs remembers which registration Secrets wait for the deletion of their client,
// and since when. It knows what the reconciler saw last, so it costs nothing to ask.
type tombs struct {
	mu      sync.Mutex
	waiting map[types.NamespacedName][]tomb // by owner
}

// tomb is a registration Secret whose OAuthClient is gone.
type tomb struct {
	uid    types.UID
	server registrar.Key
	// since is when it was first seen, by this process.
	since time.Time
	// told is when an event last told that it waits in vain.
	told time.Time
}

func newTombs() *tombs { return &tombs{waiting: map[types.NamespacedName][]tomb{}} }

// see notes all tombstones that an owner has now.
func (t *tombs) see(owner types.NamespacedName, now time.Time, found []tomb) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(found) == 0 {
		delete(t.waiting, owner)
		return
	}
	known := t.waiting[owner]
	for i := range found {
		found[i].since = now
		if k := slices.IndexFunc(known, func(k tomb) bool { return k.uid == found[i].uid }); k >= 0 {
			found[i] = known[k]
		}
	}
	t.waiting[owner] = found
}

// find returns a tombstone of an owner; zero if it is none that waits.
func (t *tombs) find(owner types.NamespacedName, uid types.UID) tomb {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.waiting[owner] {
		if one.uid == uid {
			return one
		}
	}
	return tomb{}
}

// toldNow notes that an event told of a tombstone.
func (t *tombs) toldNow(owner types.NamespacedName, uid types.UID, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.waiting[owner] {
		if one := &t.waiting[owner][i]; one.uid == uid {
			one.told = now
		}
	}
}

// seeTombs notes those registration Secrets of an owner that wait. An orphan waits
// for nothing. Where no AuthorizationServer can be, anybody may have made the Secret.
func (r *Reconciler) seeTombs(owner types.NamespacedName, left []*record) {
	var found []tomb
	for _, one := range left {
		if r.serves(one.secret.Namespace) && !one.State.Orphaned {
			found = append(found, tomb{uid: one.secret.UID, server: serverOf(one.secret)})
		}
	}
	r.tombs.see(owner, r.Now(), found)
}

// stranded sees to a tombstone whose AuthorizationServer is gone. It stays, for that
// may come back with what it holds; but a person has to know. The event is about the
// Secret, for that is what there still is, and what can be deleted.
func (r *Reconciler) stranded(ctx context.Context, owner types.NamespacedName, left *record, because *problem) outcome.Outcome {
	now := r.Now()
	one := r.tombs.find(owner, left.secret.UID)
	if because.reason != v1alpha1.ReasonServerNotFound || one.uid == "" {
		return because.outcome
	}
	if age := now.Sub(one.since); age < strandedAfter {
		return outcome.RetryAfter(strandedAfter - age)
	}
	if !one.told.IsZero() && now.Sub(one.told) < strandedAgain {
		return because.outcome
	}
	if gone, err := r.isGone(ctx, owner); err != nil || !gone {
		return because.outcome
	}
	r.tombs.toldNow(owner, one.uid, now)
	r.tellStranded(ctx, owner, left)
	return because.outcome
}

func (r *Reconciler) tellStranded(ctx context.Context, owner types.NamespacedName, left *record) {
	server := serverOf(left.secret)
	about := &corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: left.secret.Namespace, Name: left.secret.Name, UID: left.secret.UID}
	related := &corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "AuthorizationServer", Namespace: server.Namespace, Name: server.Name}
	note := fmt.Sprintf("OAuthClient %s was deleted, but its client cannot be deregistered: there is no AuthorizationServer %s. "+
		"Make it again, or, if that server is gone for good: kubectl delete secret -n %s %s", owner, server, left.secret.Namespace, left.secret.Name)
	if r.stranding.TellOf(about, related, notice.Notice{
		Type: corev1.EventTypeWarning, Reason: v1alpha1.ReasonServerNotFound, Action: actionDeregister, Note: note,
	}) {
		log.FromContext(ctx).Info(note)
	}
}

// Tombstones are the registrations at one server that wait to be deregistered, for
// the same reason.
type Tombstones struct {
	Server registrar.Key
	// Reason is ServerNotFound, TooManyDeletions, a reason of ServerReachable, or
	// Progressing, as in package v1alpha1.
	Reason string
	Count  int
	// Oldest is when the first of them was seen, by this process.
	Oldest time.Time
}

// Tombstones tells which deregistrations wait, in a fixed order. It asks nobody.
func (r *Reconciler) Tombstones() []Tombstones {
	byServer := r.tombs.byServer()
	for i := range byServer {
		byServer[i].Reason = r.waitsFor(byServer[i].Server)
	}
	return byServer
}

func (t *tombs) byServer() []Tombstones {
	t.mu.Lock()
	defer t.mu.Unlock()
	sums := map[registrar.Key]*Tombstones{}
	for _, list := range t.waiting {
		for _, one := range list {
			sum := sums[one.server]
			if sum == nil {
				sum = &Tombstones{Server: one.server, Oldest: one.since}
				sums[one.server] = sum
			}
			sum.Count++
			if one.since.Before(sum.Oldest) {
				sum.Oldest = one.since
			}
		}
	}
	out := make([]Tombstones, 0, len(sums))
	for _, sum := range sums {
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(a, b Tombstones) int { return cmp.Compare(a.Server.String(), b.Server.String()) })
	return out
}

// waitsFor says what deregistrations at a server wait for.
func (r *Reconciler) waitsFor(key registrar.Key) string {
	server, ok := r.Servers.Lookup(key)
	if !ok {
		return v1alpha1.ReasonServerNotFound
	}
	if server.Brake().State().Paused {
		return v1alpha1.ReasonTooManyDeletions
	}
	if err := server.State().Err; err != nil {
		return registrar.Explain(err).Reason
	}
	return v1alpha1.ReasonProgressing
}
