package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// A document says who loses what they began; it is carried out once.
func TestEndings(t *testing.T) {
	var (
		as       = func(document string) *Directory { return directory(t, document) }
		one      = `users: [{username: ada, id: a, passwordHash: "HASH"}]`
		disabled = `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`
		reset    = strings.ReplaceAll(one, "HASH", anotherHash())
		both     = strings.ReplaceAll(disabled, "HASH", anotherHash())
	)
	const off, anew = "user/a: " + CauseDisabled, "user/a: " + CauseReset
	type step struct {
		document string
		want     string // what is due; it is carried out
	}
	for rule, steps := range map[string][]step{
		"the first document":              {{one, ""}, {one, ""}},
		"the first one disables somebody": {{disabled, off}, {disabled, ""}},
		"disabled":                        {{one, ""}, {disabled, off}, {disabled, ""}},
		"and enabled":                     {{disabled, off}, {one, ""}, {one, ""}},
		"and disabled again":              {{disabled, off}, {one, ""}, {disabled, off}, {disabled, ""}},
		"and removed":                     {{disabled, off}, {"users: []", ""}},
		"another password":                {{one, ""}, {reset, anew}, {reset, ""}},
		"and the one before again":        {{one, ""}, {reset, anew}, {one, anew}},
		"both at once":                    {{one, ""}, {both, off}, {reset, ""}},
		"another password while disabled": {{disabled, off}, {both, ""}, {reset, ""}},
		"enabled with another password":   {{disabled, off}, {reset, anew}},
		"removed and back":                {{one, ""}, {"users: []", ""}, {one, ""}},
		"removed and back with another":   {{one, ""}, {"users: []", ""}, {reset, ""}}, // the Roster refuses what is older
	} {
		t.Run(rule, func(t *testing.T) {
			var l Local
			for i, s := range steps {
				l.Set(as(s.document))
				var got []string
				for _, e := range l.Endings() {
					got = append(got, e.Subject+": "+e.Cause)
					l.Ended(e)
				}
				if said := strings.Join(got, " "); said != s.want {
					t.Errorf("step %d: %q is due, want %q", i, said, s.want)
				}
			}
		})
	}
}

// What was not carried out yet is still due, whatever the document says by then.
func TestEndingsWait(t *testing.T) {
	var l Local
	one := `users: [{username: ada, id: a, passwordHash: "HASH"}]`
	l.Set(directory(t, one))
	told := l.EndingsTold()
	<-told
	l.Set(directory(t, `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`))
	l.Set(directory(t, strings.ReplaceAll(one, "HASH", anotherHash())))
	l.Set(directory(t, one))
	<-told
	for range 2 {
		if due := l.Endings(); len(due) != 1 || due[0].Subject != "user/a" {
			t.Fatalf("due: %v, want one", due)
		}
	}
	l.Ended(Ending{Subject: "user/a"}) // another one
	if due := l.Endings(); len(due) != 1 {
		t.Errorf("due: %v", due)
	}
}

// R5: a reset has a mark, by which replicas carry it out once. One that comes while
// another Ending is due has none, for its mark may be there since an earlier reset.
func TestR5MarkOfAReset(t *testing.T) {
	one := `users: [{username: ada, id: a, passwordHash: "HASH"}]`
	reset := strings.ReplaceAll(one, "HASH", anotherHash())
	off := `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`
	offReset := strings.ReplaceAll(off, "HASH", anotherHash())
	for rule, c := range map[string]struct {
		documents []string
		mark      bool
	}{
		"reset":              {[]string{one, reset}, true},
		"disabled":           {[]string{one, off}, false},
		"disabled and reset": {[]string{one, offReset, one}, false},
		"reset and back":     {[]string{one, reset, one}, false},
	} {
		var l Local
		for _, document := range c.documents {
			l.Set(directory(t, document))
		}
		due := l.Endings()
		if len(due) != 1 || (due[0].Mark != "") != c.mark || c.mark && due[0].Mark != directory(t, reset).entry("user/a").user.Source.Stamp {
			t.Errorf("%s: due %+v", rule, due)
		}
	}
}

// A19: what was carried out of one document says nothing of a later one's.
func TestA19WhoIsDisabledAgainMeanwhile(t *testing.T) {
	var l Local
	one := `users: [{username: ada, id: a, passwordHash: "HASH"}]`
	disabled := `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`
	l.Set(directory(t, disabled))
	being := l.Endings()
	l.Set(directory(t, one)) // and she signs in
	l.Set(directory(t, disabled))
	l.Ended(being[0])
	if due := l.Endings(); len(due) != 1 {
		t.Errorf("due: %v", due)
	}
}

// A19: everything, of this person only.
func TestA19EndTakesSessionsAndFamilies(t *testing.T) {
	ctx := context.Background()
	m := newMemory()
	for i, owner := range []string{"user/a old", "user/a new", "user/a", "user/b"} {
		subject, stamp, _ := strings.Cut(owner, " ")
		id, source := fmt.Sprint(i), store.Source{Name: SourceLocal, Stamp: stamp}
		m.sessions[id] = store.Session{ID: id, Subject: subject, Source: source, Expires: noon.Add(time.Hour)}
		m.families = append(m.families, store.Family{ID: id, Grant: store.Grant{Subject: subject, Source: source}})
	}
	ended, err := accountOf(m).End(ctx, Ending{Subject: "user/a"}, noon)
	if err != nil || ended != (store.Ended{Sessions: 3, Families: 3}) || len(m.sessions) != 1 || m.sessions["3"].Subject != "user/b" {
		t.Errorf("ended %+v, %v; left %v", ended, err, m.sessions)
	}
	for _, f := range m.families {
		if f.Revoked.IsZero() != (f.Grant.Subject == "user/b") {
			t.Errorf("family of %s: revoked %s", f.Grant.Subject, f.Revoked)
		}
	}
	m.fail = errors.New("disk full")
	if _, err := accountOf(m).End(ctx, Ending{Subject: "user/b"}, noon); !errors.Is(err, m.fail) {
		t.Errorf("an outage: %v", err)
	}
	if _, err := accountOf(m).End(ctx, Ending{}, noon); err == nil {
		t.Error("ended what no person has: an empty filter member chooses everything")
	}
}
