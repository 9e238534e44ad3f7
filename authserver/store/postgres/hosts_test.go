package postgres

import (
	"log/slog"
	"testing"
)

// TestWhichServerIsUsed, of several that were looked at.
func TestWhichServerIsUsed(t *testing.T) {
	at := func(host, system, number string) answer {
		return answer{host: host, timeline: timeline{system, number}}
	}
	shut := func(is answer, why error) answer { is.closed = why; return is }
	silent := func(host string) answer { return shut(at(host, "", ""), errNoAnswer) }
	standby := func(host, system string) answer { return shut(at(host, system, ""), errStandby) }
	for name, test := range map[string]struct {
		was             timeline
		preferred       string
		found           []answer
		want            timeline
		prefer, refused string
		left            bool
	}{
		"the first": {
			found: []answer{standby("x", "a"), at("y", "a", "00000002")},
			want:  timeline{"a", "00000002"}, prefer: "y"},
		"the first, where one was left behind": {
			found: []answer{at("x", "a", "00000009"), at("y", "a", "0000000A")},
			want:  timeline{"a", "0000000A"}, prefer: "y", refused: "x"},
		"the first of two clusters": {
			found: []answer{standby("w", "b"), at("x", "a", "00000001"), at("y", "b", "00000007")},
			want:  timeline{"a", "00000001"}, prefer: "x", refused: "y"},
		"the same": {
			was: timeline{"a", "00000002"}, preferred: "x",
			found: []answer{at("x", "a", "00000002"), standby("y", "a")},
			want:  timeline{"a", "00000002"}, prefer: "x"},
		"one that took over": {
			was: timeline{"a", "00000009"}, preferred: "x",
			found: []answer{at("x", "a", "00000009"), at("y", "a", "0000000A")},
			want:  timeline{"a", "0000000A"}, prefer: "y", refused: "x", left: true},
		"only one that was left behind": {
			was: timeline{"a", "00000002"}, preferred: "y",
			found: []answer{at("x", "a", "00000001"), silent("y")},
			want:  timeline{"a", "00000002"}, prefer: "y", refused: "x"},
		"two that were promoted": {
			was: timeline{"a", "00000002"}, preferred: "y",
			found: []answer{at("x", "a", "00000002"), at("y", "a", "00000002")},
			want:  timeline{"a", "00000002"}, prefer: "y"},
		"another cluster, and the known one": {
			was: timeline{"a", "00000001"}, preferred: "y",
			found: []answer{at("x", "b", "00000002"), at("y", "a", "00000001")},
			want:  timeline{"a", "00000001"}, prefer: "y", refused: "x"},
		"another cluster, and a standby of the known one": {
			was: timeline{"a", "00000001"}, preferred: "y",
			found: []answer{at("x", "b", "00000002"), standby("y", "a")},
			want:  timeline{"a", "00000001"}, prefer: "y", refused: "x"},
		"another cluster, and one that may be of the known one": {
			was: timeline{"a", "00000001"}, preferred: "y",
			found: []answer{at("x", "b", "00000002"), silent("y")},
			want:  timeline{"a", "00000001"}, prefer: "y", refused: "x"},
		"another cluster only": {
			was: timeline{"a", "00000002"}, preferred: "y",
			found: []answer{at("x", "b", "00000001"), standby("y", "b")},
			want:  timeline{"b", "00000001"}, prefer: "x", left: true},
		"who may not tell": {
			found:  []answer{shut(at("w", "", ""), errStandby), at("x", "", ""), at("y", "", "")},
			prefer: "x"},
		"who may not tell, again": {
			preferred: "y",
			found:     []answer{at("x", "", ""), at("y", "", "")},
			prefer:    "y"},
		"nobody": {
			was: timeline{"a", "00000002"}, preferred: "y",
			found: []answer{silent("x"), silent("y")},
			want:  timeline{"a", "00000002"}, prefer: "y"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := newTarget(Options{DSN: "host=x,y", Log: slog.New(slog.DiscardHandler)})
			must(t, err)
			target.timeline, target.preferred = test.was, test.preferred
			stays := target.leaves()
			target.judge(test.found)
			if target.timeline != test.want || target.preferred != test.prefer {
				t.Errorf("%v, preferring %q; want %v, %q", target.timeline, target.preferred, test.want, test.prefer)
			}
			if left := target.leaves() != stays; left != test.left {
				t.Errorf("left those before: %v, want %v", left, test.left)
			}
			var refused string
			for host := range target.unused {
				refused += host
			}
			if refused != test.refused {
				t.Errorf("told of %q, want %q", refused, test.refused)
			}
		})
	}
}

// TestAConnectionFindsWhoTookOver: where the primary was is not tried first any more.
func TestAConnectionFindsWhoTookOver(t *testing.T) {
	target, err := newTarget(Options{DSN: "host=x,y", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	first := answer{timeline: timeline{"a", "00000001"}}
	must(t, target.accept(first))
	target.preferred = "x"
	must(t, target.accept(first))
	if target.preferred != "x" {
		t.Errorf("%q is tried first, want x", target.preferred)
	}
	stays := target.leaves()
	must(t, target.accept(answer{timeline: timeline{"a", "00000002"}}))
	if target.preferred != "" || target.leaves() == stays {
		t.Errorf("%q is tried first; connections to it were given up: %v", target.preferred, target.leaves() != stays)
	}
}
