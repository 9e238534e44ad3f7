package main

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store/sqlite"
)

func TestReplaysRunOnAStore(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	everything := recipe{}
	for _, r := range replays {
		everything[r.method] = 1
	}
	operate, err := everything.operation()
	if err != nil {
		t.Fatal(err)
	}
	all, err := replayedPeople(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, p := range all {
			if err := operate(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A ceiling that leaves a statement out would be none.
func TestARecipeKnowsAllItsStatements(t *testing.T) {
	if _, err := (recipe{"Family": 1, "Unheard": 1}).operation(); err == nil || !strings.Contains(err.Error(), "Unheard") {
		t.Errorf("error %v, want one that names the method", err)
	}
	if _, err := (recipe{"Family": 1, "TouchSession": .01}).operation(); err != nil {
		t.Errorf("what happens once a minute is no part of an operation: %v", err)
	}
	after, before := recipe{"Family": 30, "Session": 5}, recipe{"Family": 10, "Session": 5}
	if one := after.since(before, 10); one["Family"] != 2 || len(one) != 1 {
		t.Errorf("since: %v, want 2 Family", one)
	}
}
