package signin

import (
	"context"
	"fmt"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Ending says that a person loses for good what they began: a local user whom the users
// document disables or gives another password, anybody whom a registrar signs out. The
// Roster refuses such a local user while the document says so; an Ending is carried out
// in the store, so that nothing comes back when the document says something else again.
type Ending struct {
	Subject string
	// Cause is for the audit log.
	Cause string
	// Mark is store.Sessions.SignOut's: of a password reset the stamp of the new
	// password. The first replica that hears of the reset carries it out for all.
	Mark string
	// due is which of a Local's it is; nil: none.
	due *due
}

// The causes of an Ending.
const (
	CauseDisabled  = "disabled"
	CauseReset     = "password reset"
	CauseRegistrar = "registrar"
)

// End carries an Ending out: all of it or nothing. It increments the person's epoch
// (store.Sessions.SignOut), so that what a request in flight writes later is over as
// well. Consents stay: they give an app nothing by themselves.
//
// After a password reset this also ends what was begun with the new password before
// the first replica carried the Ending out. Replicas that hear of the document later end
// nothing more: the Roster refuses what was begun with the old password at them, and
// setting that password again is a reset too.
func (a Account) End(ctx context.Context, e Ending, now time.Time) (store.Ended, error) {
	if e.Subject == "" {
		return store.Ended{}, fmt.Errorf("ending what a person began: no person is named")
	}
	ended, err := a.Sessions.Store.SignOut(ctx, e.Subject, e.Mark, now)
	if err != nil {
		return store.Ended{}, fmt.Errorf("ending what a person began: %w", err)
	}
	return ended, nil
}

// endings are those of a Local that are to be carried out. They wait until they are,
// also where the document has said something else since.
type endings struct {
	mu   sync.Mutex
	due  map[string]*due // by `sub`
	news chan struct{}
}

type due struct{ cause, mark string }

// add notes what a document takes away from the people of the one before. Of the first
// document that is read, before is nil; everybody who is disabled in it is due.
func (e *endings) add(before, after *Directory) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for subject, is := range after.bySubject {
		was := before.entry(subject)
		switch {
		case is.disabled && (was == nil || !was.disabled):
			e.put(subject, due{cause: CauseDisabled})
		case !is.disabled && was != nil && was.user.Source.Stamp != is.user.Source.Stamp:
			e.put(subject, due{cause: CauseReset, mark: is.user.Source.Stamp})
		}
	}
	select {
	case e.told() <- struct{}{}:
	default: // the reader looks at all of them
	}
}

func (e *endings) put(subject string, d due) {
	if e.due == nil {
		e.due = map[string]*due{}
	}
	if e.due[subject] != nil {
		// Two events in one: the mark of the second may be there since an earlier reset.
		d.mark = ""
	}
	e.due[subject] = &d
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

// Endings lists those that the documents brought and that are to be carried out, in no
// order.
func (l *Local) Endings() []Ending {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	var all []Ending
	for subject, d := range l.endings.due {
		all = append(all, Ending{Subject: subject, Cause: d.cause, Mark: d.mark, due: d})
	}
	return all
}

// Ended notes that one was carried out.
func (l *Local) Ended(e Ending) {
	l.endings.mu.Lock()
	defer l.endings.mu.Unlock()
	if d := l.endings.due[e.Subject]; d != nil && d == e.due { // no later one took its place
		delete(l.endings.due, e.Subject)
	}
}
