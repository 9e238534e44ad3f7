package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

func TestLineSaysWhatWhyAndWhatToDo(t *testing.T) {
	for want, f := range map[string]finding{
		"ok   CRD a": {Level: ok, What: "CRD a"},
		"fail Lease b - no operator leads; do: kubectl get lease": {Level: fail, What: "Lease b", Why: "no operator leads", Do: "kubectl get lease"},
		// What a server says stays on the line and moves no cursor.
		"warn c - two lines\ufffd[2J": {Level: warn, What: "c", Why: "two\nlines\x1b[2J"},
	} {
		if got := f.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReportAsJSON(t *testing.T) {
	var out bytes.Buffer
	r := report{Findings: []finding{{Check: checkCRDs, Level: ok, What: "CRD a"}, {Check: checkOperator, Level: fail, What: "Lease b", Why: "x < y", Do: "kubectl"}}}
	if err := r.print(&out, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK       bool
		Findings []finding
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.OK || len(got.Findings) != 2 || got.Findings[1] != r.Findings[1] {
		t.Errorf("%+v", got)
	}
	if !bytes.Contains(out.Bytes(), []byte("x < y")) {
		t.Errorf("a program's text is escaped for HTML: %s", out.Bytes())
	}
}

func TestVerdictIsTheExitCode(t *testing.T) {
	failing := report{Findings: []finding{{Level: fail}, {Level: warn}}}
	for name, c := range map[string]struct {
		flags flags
		of    report
		want  int
	}{
		"nothing fails":    {flags{}, report{Findings: []finding{{Level: ok}, {Level: warn}}}, 0},
		"a check fails":    {flags{}, failing, exitFailed},
		"it goes on to":    {flags{wait: 1}, failing, exitWait},
		"it does not fail": {flags{wait: 1}, report{}, 0},
	} {
		got := 0
		var coded interface{ ExitCode() int }
		if err := c.flags.verdict(c.of); errors.As(err, &coded) {
			got = coded.ExitCode()
		}
		if got != c.want {
			t.Errorf("%s: exit code %d, want %d", name, got, c.want)
		}
	}
}
