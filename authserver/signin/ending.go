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
	// Cause is for the audit log.
	Cause string
	// due is which of a Local's it is; nil: none.
	due *due
}

// The causes of an Ending.
const (
	CauseDisabled  = "disabled"
	CauseReset     = "password reset"
	CauseRegistrar = "registrar"
)

// End carries an Ending out. What the person allowed apps stays remembered: they
// allowed it, and an app gets nothing by that alone.
//
// Where they keep nothing, all of it is done or nothing; and what requests are about to
// write, that began before, is over when it is written (store.Sessions.SignOut). Where
// they keep something part of it may be done after an error; doing it again is right.
func (a Account) End(ctx context.Context, e Ending, now time.Time) (store.Ended, error) {
	if e.Subject == "" {
		return store.Ended{}, fmt.Errorf("ending what somebody has: nobody is named")
	}
	if e.Keep != "" {
		return a.endOthers(ctx, e, now)
	}
	ended, err := a.Sessions.Store.SignOut(ctx, e.Subject, now)
	if err != nil {
		return store.Ended{}, fmt.Errorf("ending what somebody has: %w", err)
	}
	return ended, nil
}

// endOthers ends what somebody does not keep. Sessions go first, so that no new code is
// made from them while the families end. Codes on their way are the Roster's, and
// short-lived.
func (a Account) endOthers(ctx context.Context, e Ending, now time.Time) (store.Ended, error) {
	var ended store.Ended
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

// settled is how long after an Ending that keeps something was carried out it is carried
// out once more, for what requests were about to write that had begun before: longer than
// any takes.
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

// Endings lists those that the documents brought and that are to be carried out at now,
// in no order; those that keep something a minute later once more.
func (l *Local) Endings(now time.Time) []Ending {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	var all []Ending
	for subject, d := range l.endings.due {
		if !d.done.IsZero() && now.Before(d.done.Add(settled)) {
			continue
		}
		e := Ending{Subject: subject, Keep: d.keep, Cause: CauseReset, due: d}
		if d.keep == "" {
			e.Cause = CauseDisabled
		}
		all = append(all, e)
	}
	return all
}

// Ended notes that one was carried out at now.
func (l *Local) Ended(e Ending, now time.Time) {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	switch d := l.endings.due[e.Subject]; {
	case d == nil || d != e.due: // another one took its place
	case d.keep != "" && d.done.IsZero():
		d.done = now
	default:
		delete(l.endings.due, e.Subject)
	}
}
