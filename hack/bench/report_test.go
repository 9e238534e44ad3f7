package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// report of one section with one figure.
func reportOf(title, value string) *report {
	r := &report{out: io.Discard}
	r.section(title)
	r.add(figure{name: "speed", value: value})
	return r
}

func TestSectionsOfOtherPartsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "RESULTS.md")
	for _, r := range []*report{reportOf("One", "1 /s"), reportOf("Two", "2 /s"), reportOf("One", "3 /s")} {
		if err := r.write(path, "a machine", time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if strings.Count(got, "## ") != 2 || strings.Contains(got, "1 /s") || !strings.HasPrefix(got, heading) {
		t.Errorf("want two sections, the first replaced, below one heading:\n%s", got)
	}
	if one, two := strings.Index(got, "3 /s"), strings.Index(got, "2 /s"); one < 0 || two < one {
		t.Errorf("want both figures, in the order in which the sections came first:\n%s", got)
	}
}

func TestEveryPartCanBeChosen(t *testing.T) {
	for _, p := range parts {
		if chosen, err := choose(p.name); err != nil || len(chosen) != 1 || chosen[0].name != p.name {
			t.Errorf("%s: %v, %v", p.name, chosen, err)
		}
	}
	if _, err := choose("flows,nothing"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("an unknown part: %v, want its name", err)
	}
}

func TestWhatTheHostGaveToOthers(t *testing.T) {
	then := hostTimeOf("cpu  100 0 50 900 30 0 10 40 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")
	now := hostTimeOf("cpu  150 10 70 1000 40 0 10 60 0 0\n")
	if got := now.stolenSince(then); then.wanted != 200 || got != .2 {
		t.Errorf("of %v ticks then %v", then.wanted, got)
	}
	if got := now.stolenSince(now); got != 0 {
		t.Errorf("in no time %v", got)
	}
	for _, text := range []string{"", "cpu 1 2 3", "cpu a b c d e f g h"} {
		if got := hostTimeOf(text); got != (hostTime{}) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
