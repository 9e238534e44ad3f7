package check

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// level is how a check ended.
type level string

const (
	ok   level = "ok"
	warn level = "warn"
	fail level = "fail"
)

// finding is one line.
type finding struct {
	// Check is one of the check… constants.
	Check string `json:"check"`
	Level level  `json:"level"`
	// What is looked at.
	What string `json:"what"`
	// Why it is as it is; of an ok, what is worth knowing.
	Why string `json:"why,omitempty"`
	// Do is a command that mends it, or shows more of it. It does no harm.
	Do string `json:"do,omitempty"`
}

// The checks, for programs.
const (
	checkAPIServer = "api-server"
	checkCRDs      = "crds"
	checkOperator  = "operator"
	checkRights    = "rights"
	checkServers   = "servers"
	checkPorts     = "ports"
	checkEndpoints = "endpoints"
	checkToken     = "token"
	checkClocks    = "clocks"
)

// String is the line without a line break.
func (f finding) String() string {
	line := fmt.Sprintf("%-4s %s", f.Level, f.What)
	if f.Why != "" {
		line += " - " + f.Why
	}
	if f.Do != "" {
		line += "; do: " + f.Do
	}
	return clean(line)
}

// clean keeps what a server or an object says on one line, and replaces what could
// move a terminal's cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, strings.TrimSpace(s))
}

// report is all lines.
type report struct {
	Findings []finding `json:"findings"`
}

// failures counts the checks that failed.
func (r report) failures() int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == fail {
			n++
		}
	}
	return n
}

func (r report) print(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			OK       bool      `json:"ok"`
			Findings []finding `json:"findings"`
		}{r.failures() == 0, slices.Clip(r.Findings)})
	}
	for _, f := range r.Findings {
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
	}
	return nil
}
