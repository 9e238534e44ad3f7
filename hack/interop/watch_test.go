package interop

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// watch collects what Chromium complains of: what a page writes to the console,
// exceptions, what breaks its Content-Security-Policy, requests to others, and
// whatever else the DevTools call an issue.
type watch struct {
	mu         sync.Mutex
	complaints []string
	allowed    []string
}

// usual complaints are about what OAuth is: an app sends people on before they have
// ever clicked at it.
var usual = []string{"BounceTrackingIssue", `"NavigationEntryMarkedSkippable","request":{"url":"https://spa.example/"`}

// allow complaints that contain a text.
func (w *watch) allow(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed = append(w.allowed, text)
}

// event is called with every event of the tab.
func (w *watch) event(ev any) {
	switch e := ev.(type) {
	case *log.EventEntryAdded:
		w.complain("log: %s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *runtime.EventExceptionThrown:
		w.complain("exception: %s", text(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		w.complain("console: %s", text(e.Args))
	case *audits.EventIssueAdded:
		w.complain("issue: %s", text(e.Issue))
	case *network.EventRequestWillBeSent:
		if foreign(e.Request.URL) {
			w.complain("a request to somebody else: %s", e.Request.URL)
		}
	}
}

func (w *watch) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

// report fails the test for whatever was not allowed.
func (w *watch) report(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	allowed := append(usual, w.allowed...)
	for _, c := range w.complaints {
		if !slices.ContainsFunc(allowed, func(text string) bool { return strings.Contains(c, text) }) {
			t.Errorf("Chromium complains: %s", c)
		}
	}
}

// foreign: not of our names, nor of this machine.
func foreign(address string) bool {
	for _, prefix := range []string{"http://127.0.0.1:", "http://localhost:", "about:", "data:"} {
		if strings.HasPrefix(address, prefix) {
			return false
		}
	}
	rest, ok := strings.CutPrefix(address, "https://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	return !ok || !strings.HasSuffix(host, ".example")
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
