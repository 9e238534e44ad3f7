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
// are enabled again.
type Ending struct {
	Subject string
	// Keep is the stamp (store.Source) of what they keep; empty: nothing.
	Keep string
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
	if e.Keep != "" {
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

// endOthers ends what was not begun with the password that somebody has now. Codes on
// their way are the Roster's, and short-lived.
func (a Account) endOthers(ctx context.Context, e Ending, now time.Time) (Ended, error) {
	var ended Ended
	sessions, err := a.Sessions.Store.SessionsOf(ctx, e.Subject, now)
	if err != nil {
		return ended, fmt.Errorf("listing sessions: %w", err)
	}
	for _, s := range sessions {
		if s.Source.Stamp == e.Keep {
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
		if f.Grant.Source.Stamp == e.Keep {
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

// settled is how long after an Ending was carried out it is carried out once more,
// for what requests were about to write that had begun before: longer than any takes.
const settled = time.Minute

// endings are those of a Local that are to be carried out. They wait until they are,
// also where the document has said something else since.
type endings struct {
	mu   sync.Mutex
	due  map[string]*due // by `sub`
	news chan struct{}
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

// EndingsTold can be read from when there may be new Endings.
func (l *Local) EndingsTold() <-chan struct{} {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	return l.endings.told()
}

// Endings lists those that are to be carried out at now, in no order: those that the
// documents brought, and a minute later once more, unless the person is enabled again
// by then and may have signed in.
func (l *Local) Endings(now time.Time) []Ending {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	var all []Ending
	for subject, d := range l.endings.due {
		switch again := !d.done.IsZero(); {
		case again && d.keep == "" && l.enabled(subject):
			delete(l.endings.due, subject)
		case !again || !now.Before(d.done.Add(settled)):
			all = append(all, Ending{subject, d.keep})
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
	d := l.endings.due[e.Subject]
	switch {
	case d == nil || d.keep != e.Keep: // another one took its place
	case d.done.IsZero():
		d.done = now
	default:
		delete(l.endings.due, e.Subject)
	}
}
