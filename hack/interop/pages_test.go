package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/chromedp/chromedp"
)

// inspect looks at a page on every screen: it takes a picture, nothing sticks out
// at the side, and axe-core finds nothing to object to (labels, contrast, landmarks,
// names, order).
func (b *tab) inspect(name string) {
	b.t.Helper()
	dir := artifacts(b.t)
	for _, s := range []screen{light, dark, narrow, night} {
		b.show(s)
		if over := value[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			b.t.Errorf("%s, %s: %d pixels stick out at the side", name, s.name, over)
		}
		if s.width == light.width {
			b.axe(name + ", " + s.name)
		}
		b.reads()
		ctx, cancel := b.limit()
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		cancel()
		must(b.t, err)
		must(b.t, os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), picture, 0o644))
	}
	b.show(light)
}

var axeSource = sync.OnceValues(func() ([]byte, error) {
	modules, err := nodeModules()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(modules, "axe-core", "axe.min.js"))
})

// axe runs axe-core on the page. DevTools may run a script that the page's policy
// would not let in.
func (b *tab) axe(name string) {
	b.t.Helper()
	source, err := axeSource()
	must(b.t, err)
	b.do(chromedp.Evaluate[chromedp.Void](string(source)))
	found := value[[]string](b, `axe.run(document).then(r => [...r.violations].map(v => v.id + ": " + v.help + "\n" + v.nodes.map(n => n.html + "\n" + n.failureSummary).join("\n")))`)
	for _, f := range found {
		b.t.Errorf("%s: %s", name, f)
	}
}

// hasFocusRing: whoever goes by keyboard sees where they are.
func (b *tab) hasFocusRing(what string) {
	b.t.Helper()
	style := value[string](b, `(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + " " + parseFloat(s.outlineWidth) })()`)
	var kind string
	var width float64
	if _, err := fmt.Sscan(style, &kind, &width); err != nil || kind == "none" || width < 2 {
		b.t.Errorf("%s has the focus, and its outline is %q", what, style)
	}
}
