package main

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"os"
	"os/exec"
	"time"

	"clientele.dev/clientele/hack/internal/stack"
	"golang.org/x/term"
)

// personWithin is how long the demo waits for somebody to open the link.
const personWithin = 5 * time.Minute

// errLeft says why the demo ends early, and well: the person wants it so.
type errLeft string

func (e errLeft) Error() string { return string(e) }

// attended tells whether somebody is there to open a link.
func attended(unattended bool) bool {
	return !unattended && cmp.Or(os.Getenv("CI"), "false") == "false" &&
		term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// waitForPerson waits until somebody has been through the pages. came is false if
// nobody was in time.
func waitForPerson(ctx context.Context, a *app, r *stack.Reporter) (answer url.Values, came bool, err error) {
	pressed, restore := anyKey()
	defer restore()
	late := time.NewTimer(personWithin)
	defer late.Stop()
	r.Say("      waiting %s for you; any key ends the demo", personWithin)
	select {
	case answer := <-a.came:
		return answer, true, nil
	case <-late.C:
		return nil, false, nil
	case <-pressed:
		return nil, false, errLeft("A key was pressed: nobody signed in.")
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}

// anyKey tells when a key is pressed. It asks stty for single keys, which is there
// wherever there is a terminal; without it the key is Enter. Ctrl-C stays what it
// is. restore puts the terminal back.
func anyKey() (pressed <-chan struct{}, restore func()) {
	restore = func() {}
	if saved, err := stty("-g"); err == nil {
		restore = func() { _, _ = stty(saved) }
		// What was typed before the question counts for nothing.
		if _, err := stty("-icanon", "-echo", "min", "0", "time", "0"); err == nil {
			_, _ = io.Copy(io.Discard, os.Stdin)
		}
		_, _ = stty("min", "1")
	}
	key := make(chan struct{})
	go func() {
		// At the end of the input nobody pressed anything.
		if n, _ := os.Stdin.Read(make([]byte, 1)); n > 0 {
			close(key)
		}
	}()
	return key, restore
}

func stty(args ...string) (string, error) {
	cmd := exec.Command("stty", args...)
	cmd.Stdin = os.Stdin
	out, err := cmd.Output()
	if n := len(out); n > 0 && out[n-1] == '\n' {
		out = out[:n-1]
	}
	return string(out), err
}
