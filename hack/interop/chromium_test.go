package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// chromium is the one Chromium of all tests, started by the first that needs it.
var chromium struct {
	once    sync.Once
	ctx     context.Context
	stop    context.CancelFunc
	gateway *gateway
	profile string
	err     error
}

// flags: nothing but these names is resolved, and nothing is asked of the network
// that a page did not ask for.
func flags(g *gateway) map[string]any {
	return map[string]any{
		"host-resolver-rules":                 fmt.Sprintf("MAP *.example %s, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", g.Listener.Addr()),
		"ignore-certificate-errors-spki-list": g.spki,
		"disable-background-networking":       true,
		"disable-component-update":            true,
		"disable-sync":                        true,
		"disable-quic":                        true,
		"disable-extensions":                  true,
		"disable-dev-shm-usage":               true,
		"password-store":                      "basic",
		"metrics-recording-only":              true,
		"force-color-profile":                 "srgb",
		"hide-scrollbars":                     true,
	}
}

func startChromium(t testing.TB) {
	t.Helper()
	path := program(t, "chromium")
	chromium.once.Do(func() {
		chromium.gateway = newGateway(t)
		chromium.profile, chromium.err = os.MkdirTemp("", "interop-chromium-")
		if chromium.err != nil {
			return
		}
		options := []chromedp.ExecAllocatorOption{
			chromedp.ExecPath(path), chromedp.UserDataDir(chromium.profile), chromedp.WSURLReadTimeout(time.Minute),
			chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		}
		for name, value := range flags(chromium.gateway) {
			options = append(options, chromedp.Flag(name, value))
		}
		ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
		chromium.ctx, _ = chromedp.NewContext(ctx)
		chromium.stop = stop
		chromium.err = chromedp.Do(chromium.ctx)
	})
	if chromium.err != nil || chromium.ctx == nil {
		t.Fatalf("Chromium did not start: %v", chromium.err)
	}
}

// stopChromium waits until it has gone.
func stopChromium() error {
	if chromium.ctx == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(chromium.ctx, 20*time.Second)
	defer cancel()
	err := chromedp.Cancel(ctx)
	chromium.stop()
	chromium.gateway.Close()
	return errors.Join(err, os.RemoveAll(chromium.profile))
}

// tab is a tab of a browser of its own: no cookie is shared with another test.
type tab struct {
	t     testing.TB
	ctx   context.Context
	watch *watch
}

// newTab opens one, and closes it when the test ends.
func newTab(t testing.TB) *tab {
	t.Helper()
	startChromium(t)
	ctx, cancel := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, watch: &watch{}}
	must(t, chromedp.Listen(ctx, b.watch.event))
	call(b, audits.Enable, cdp.Empty{})
	b.show(light)
	t.Cleanup(func() { b.watch.report(t) })
	return b
}

// call sends a command of the DevTools protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	answer, err := chromedp.Call(b.ctx, command, params)
	must(b.t, err)
	return answer
}
