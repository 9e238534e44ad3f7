package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// A document says who loses what; it is carried out, and where something is kept a minute
// later once more.
func TestEndings(t *testing.T) {
	var (
		as       = func(document string) *Directory { return directory(t, document) }
		one      = `users: [{username: ada, id: a, passwordHash: "HASH"}]`
		disabled = `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`
		reset    = strings.ReplaceAll(one, "HASH", anotherHash())
		both     = strings.ReplaceAll(disabled, "HASH", anotherHash())
		anew     = stampOf(anotherHash())
		second   = time.Minute
	)
	type step struct {
		document string // "": none
		after    time.Duration
		want     string // what is due; it is carried out
	}
	for rule, steps := range map[string][]step{
		"the first document":              {{one, 0, ""}, {one, second, ""}},
		"the first one disables somebody": {{disabled, 0, "user/a="}, {disabled, second, ""}},
		"disabled":                        {{one, 0, ""}, {disabled, 0, "user/a="}, {disabled, second, ""}},
		"and enabled within the minute":   {{disabled, 0, "user/a="}, {one, second, ""}, {one, 5 * second, ""}},
		"and disabled again":              {{disabled, 0, "user/a="}, {one, 0, ""}, {disabled, 0, "user/a="}, {disabled, second, ""}},
		"and removed":                     {{disabled, 0, "user/a="}, {"users: []", second, ""}},
		"another password":                {{one, 0, ""}, {reset, 0, "user/a=" + anew}, {reset, second - 1, ""}, {reset, second, "user/a=" + anew}, {reset, 5 * second, ""}},
		"both at once":                    {{one, 0, ""}, {both, 0, "user/a="}, {reset, second, ""}},
		"removed and back":                {{one, 0, ""}, {"users: []", 0, ""}, {one, 0, ""}, {one, second, ""}},
		"removed and back with another":   {{one, 0, ""}, {"users: []", 0, ""}, {reset, 0, ""}}, // the Roster refuses what is older
	} {
		t.Run(rule, func(t *testing.T) {
			var l Local
			for i, s := range steps {
				l.Set(as(s.document))
				now := noon.Add(s.after)
				var got []string
				for _, e := range l.Endings(now) {
					got = append(got, e.Subject+"="+e.Keep)
					l.Ended(e, now)
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
		if due := l.Endings(noon); len(due) != 1 || due[0].Subject != "user/a" || due[0].Keep != "" || due[0].Cause != CauseDisabled {
			t.Fatalf("due: %v, want everything", due)
		}
	}
	l.Ended(Ending{Subject: "user/a"}, noon) // another one
	if due := l.Endings(noon); len(due) != 1 {
		t.Errorf("due: %v", due)
	}
}

// A19: what was carried out of one document says nothing of a later one's.
func TestA19WhoIsDisabledAgainMeanwhile(t *testing.T) {
	var l Local
	one := `users: [{username: ada, id: a, passwordHash: "HASH"}]`
	disabled := `users: [{username: ada, id: a, passwordHash: "HASH", disabled: true}]`
	l.Set(directory(t, disabled))
	being := l.Endings(noon)
	l.Set(directory(t, one)) // and she signs in
	l.Set(directory(t, disabled))
	l.Ended(being[0], noon)
	if due := l.Endings(noon); len(due) != 1 {
		t.Errorf("due: %v", due)
	}
}

// A19: everything, or everything but what a password began; of this person only.
func TestA19EndTakesSessionsAndFamilies(t *testing.T) {
	ctx := context.Background()
	for keep, want := range map[string]string{
		"":    "ended {3 3}, left: user/b",
		"new": "ended {2 2}, left: user/a new, user/b",
	} {
		m := newMemory()
		for i, owner := range []string{"user/a old", "user/a new", "user/a", "user/b"} {
			subject, stamp, _ := strings.Cut(owner, " ")
			id, source := fmt.Sprint(i), store.Source{Name: SourceLocal, Stamp: stamp}
			m.sessions[id] = store.Session{ID: id, Subject: subject, Source: source, Expires: noon.Add(time.Hour)}
			m.families = append(m.families, store.Family{ID: id, Grant: store.Grant{Subject: subject, Source: source}})
		}
		ended, err := accountOf(m).End(ctx, Ending{Subject: "user/a", Keep: keep}, noon)
		if err != nil {
			t.Fatal(err)
		}
		var sessions, families []string
		for _, s := range m.sessions {
			sessions = append(sessions, strings.TrimSpace(s.Subject+" "+s.Source.Stamp))
		}
		for _, f := range m.families {
			if f.Revoked.IsZero() {
				families = append(families, strings.TrimSpace(f.Grant.Subject+" "+f.Grant.Source.Stamp))
			}
		}
		slices.Sort(sessions)
		if got := fmt.Sprintf("ended %v, left: %s", ended, strings.Join(sessions, ", ")); got != want || !slices.Equal(sessions, families) {
			t.Errorf("keep %q: %s, families %v; want %s", keep, got, families, want)
		}
		m.fail = errors.New("disk full")
		if _, err := accountOf(m).End(ctx, Ending{Subject: "user/b", Keep: keep}, noon); !errors.Is(err, m.fail) {
			t.Errorf("an outage: %v", err)
		}
		if _, err := accountOf(m).End(ctx, Ending{Keep: cmp.Or(keep, "x")}, noon); err == nil {
			t.Error("ended what nobody has: an empty filter member chooses everything")
		}
	}
}
