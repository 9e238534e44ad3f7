package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience with a slow machine.
const patience = time.Minute

// limit is the tab's context with an end.
func (b *tab) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, patience)
}

// do runs actions.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := b.limit()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail(err.Error())
	}
}

// open goes to an address, wherever that leads.
func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// click clicks with the mouse what a CSS selector finds.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

// keys presses keys, whatever has the focus.
func (b *tab) keys(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// fill types into a field that may have a text already.
func (b *tab) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.Clear(selector), chromedp.SendKeys(selector, value))
}

// until waits until a JavaScript expression is true on the page that has loaded.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := b.limit()
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	// An expression that fails does so between two pages.
	whole := fmt.Sprintf("document.readyState === 'complete' && !!(%s)", expression)
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](whole)); err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			b.fail("never true: " + expression)
		case <-tick.C:
		}
	}
}

// sees waits for a page with a heading that contains a text.
func (b *tab) sees(heading string) {
	b.t.Helper()
	b.until(fmt.Sprintf("[...document.querySelectorAll('h1, [role=alert], [role=status]')].some(e => e.innerText.includes(%q))", heading))
}

// value of a JavaScript expression; a promise is awaited.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := b.limit()
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail(fmt.Sprintf("%s: %v", strings.SplitN(expression, "\n", 2)[0], err))
	}
	return v
}

// text of what a selector finds, all of it.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.innerText).join('\\n')", selector))
}

// fail ends the test and says, and shows, where the browser was.
func (b *tab) fail(why string) {
	b.t.Helper()
	where, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body?.innerText"))
	if picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100)); err == nil {
		name := filepath.Join(artifacts(b.t), "failed-"+strings.ReplaceAll(b.t.Name(), "/", "-")+".png")
		_ = os.WriteFile(name, picture, 0o644)
	}
	b.watch.report(b.t)
	b.t.Fatalf("%s\nat %s", why, where)
}

// screen is what a page is shown on.
type screen struct {
	name          string
	width, height int64
	scheme        string
}

var (
	light  = screen{"light", 1100, 800, "light"}
	dark   = screen{"dark", 1100, 800, "dark"}
	narrow = screen{"narrow", 360, 740, "light"}
	night  = screen{"narrow-dark", 360, 740, "dark"}
)

// show puts the page on a screen.
func (b *tab) show(s screen) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(s.width, s.height))
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		// A transition would be photographed half-way.
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}
