package signin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Ending is what somebody loses for good. Local users do when the users document
// disables them or gives them another password: that they are refused while it says
// so is the Roster's; an Ending is carried out, so that nothing comes back when they
// are enabled again. Anybody does when a registrar signs them out.
type Ending struct {
	Subject string
	// Keep is the stamp (store.Source) of what they keep; empty: nothing.
	Keep string
	// Before is when a registrar signed them out: what they began later, in another
	// second, they keep. Zero: no registrar did.
	Before time.Time
}

// Ended is how much that was.
type Ended struct{ Sessions, Families int }

// End carries an Ending out. Sessions go first, so that no new code is made from
// them while the families end. What the person allowed apps stays remembered: they
// allowed it, and an app gets nothing by that alone.
//
// After an error part of it may be done; doing it again is right.
func (a Account) End(ctx context.Context, e Ending, now time.Time) (Ended, error) {
	if e.Subject == "" {
		return Ended{}, fmt.Errorf("ending what somebody has: nobody is named")
	}
	if e.Keep != "" || !e.Before.IsZero() {
		return a.endOthers(ctx, e, now)
	}
	sessions, err := a.Sessions.Store.EndSessions(ctx, e.Subject)
	if err != nil {
		return Ended{}, fmt.Errorf("ending sessions: %w", err)
	}
	families, err := a.Families.RevokeFamilies(ctx, store.FamilyFilter{Subject: e.Subject}, now)
	if err != nil {
		return Ended{Sessions: sessions}, fmt.Errorf("revoking refresh tokens: %w", err)
	}
	return Ended{sessions, families}, nil
}

// endOthers ends what somebody does not keep. Codes on their way are the Roster's, and
// short-lived.
func (a Account) endOthers(ctx context.Context, e Ending, now time.Time) (Ended, error) {
	var ended Ended
	sessions, err := a.Sessions.Store.SessionsOf(ctx, e.Subject, now)
	if err != nil {
		return ended, fmt.Errorf("listing sessions: %w", err)
	}
	later := map[string]bool{} // sessions that are kept, by id
	for _, s := range sessions {
		if later[s.ID] = e.keepsSession(s); later[s.ID] {
			continue
		}
		if err := a.Sessions.Store.EndSession(ctx, e.Subject, s.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return ended, fmt.Errorf("ending a session: %w", err)
		}
		ended.Sessions++
	}
	families, err := a.Families.FamiliesOf(ctx, e.Subject, now)
	if err != nil {
		return ended, fmt.Errorf("listing refresh token families: %w", err)
	}
	for _, f := range families {
		if e.keepsFamily(f, later) {
			continue
		}
		n, err := a.Families.RevokeFamilies(ctx, store.FamilyFilter{ID: f.ID}, now)
		if err != nil {
			return ended, fmt.Errorf("revoking refresh tokens: %w", err)
		}
		ended.Families += n
	}
	return ended, nil
}

func (e Ending) keepsSession(s store.Session) bool {
	if e.Before.IsZero() {
		return s.Source.Stamp == e.Keep
	}
	return s.Created.After(e.Before)
}

// keepsFamily: one that began after a sign-out may still be of a code from before, and
// so of a session that was ended.
func (e Ending) keepsFamily(f store.Family, later map[string]bool) bool {
	if e.Before.IsZero() {
		return f.Grant.Source.Stamp == e.Keep
	}
	return f.Created.After(e.Before) && (later[f.Grant.SessionID] || f.Grant.AuthTime > e.Before.Unix())
}

// settled is how long after an Ending was carried out it is carried out once more,
// for what requests were about to write that had begun before: longer than any takes.
const settled = time.Minute

// endings are those of a Local that are to be carried out. They wait until they are,
// also where the document has said something else since.
type endings struct {
	mu  sync.Mutex
	due map[string]*due // by `sub`
	// signedOut is who was by a registrar, and when: that is carried out once already.
	signedOut map[string]time.Time
	news      chan struct{}
}

type due struct {
	keep string
	done time.Time // once; zero: not yet
}

// add notes what one document takes away from those of the one before. Of the first
// one that is read, before is nil; then everybody who is disabled is looked at.
func (e *endings) add(before, after *Directory) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for subject, is := range after.bySubject {
		was := before.entry(subject)
		if is.disabled && (was == nil || !was.disabled) {
			e.put(subject, "")
		}
		changed := was != nil && was.user.Source.Stamp != is.user.Source.Stamp
		if changed && !is.disabled && !e.everything(subject) {
			e.put(subject, is.user.Source.Stamp)
		}
	}
	select {
	case e.told() <- struct{}{}:
	default: // whoever hears of it looks at all
	}
}

func (e *endings) put(subject, keep string) {
	if e.due == nil {
		e.due = map[string]*due{}
	}
	e.due[subject] = &due{keep: keep}
}

// everything says that it is still due that somebody loses everything.
func (e *endings) everything(subject string) bool {
	d := e.due[subject]
	return d != nil && d.keep == "" && d.done.IsZero()
}

func (e *endings) told() chan struct{} {
	if e.news == nil {
		e.news = make(chan struct{}, 1)
	}
	return e.news
}

// SignedOut notes that a registrar signed somebody out, a local user or not, which was
// carried out by at; Endings has it a minute later once more. A process that stops
// before that forgets it.
func (l *Local) SignedOut(subject string, at time.Time) {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	if l.endings.signedOut == nil {
		l.endings.signedOut = map[string]time.Time{}
	}
	l.endings.signedOut[subject] = at
}

// EndingsTold can be read from when there may be new Endings.
func (l *Local) EndingsTold() <-chan struct{} {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	return l.endings.told()
}

// Endings lists those that are to be carried out at now, in no order: those that the
// documents brought, and a minute later once more, unless the person is enabled again
// by then and may have signed in; and those of registrars once more.
func (l *Local) Endings(now time.Time) []Ending {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	var all []Ending
	for subject, d := range l.endings.due {
		switch again := !d.done.IsZero(); {
		case again && d.keep == "" && l.enabled(subject):
			delete(l.endings.due, subject)
		case !again || !now.Before(d.done.Add(settled)):
			all = append(all, Ending{Subject: subject, Keep: d.keep})
		}
	}
	for subject, at := range l.endings.signedOut {
		if !now.Before(at.Add(settled)) {
			all = append(all, Ending{Subject: subject, Before: at})
		}
	}
	return all
}

func (l *Local) enabled(subject string) bool {
	e := l.directory.Load().entry(subject)
	return e != nil && !e.disabled
}

// Ended notes that one was carried out at now.
func (l *Local) Ended(e Ending, now time.Time) {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	if !e.Before.IsZero() {
		if l.endings.signedOut[e.Subject].Equal(e.Before) { // and not again since
			delete(l.endings.signedOut, e.Subject)
		}
		return
	}
	d := l.endings.due[e.Subject]
	switch {
	case d == nil || d.keep != e.Keep: // another one took its place
	case d.done.IsZero():
		d.done = now
	default:
		delete(l.endings.due, e.Subject)
	}
}
