// Package logo fetches the logos of declared clients (logo_uri, RFC 7591, Section 2)
// and keeps them for a while, so that a page shows them from our own origin: a browser
// that fetched a logo from its site would tell that site who is about to sign in, when
// and from where.
//
// Clients that registered themselves have no logo: on a consent page it would lend a
// stranger the looks of somebody else.
//
// What comes from outside is taken for an image only by its own first bytes, and
// only for one of pixels: SVG can hold scripts, and HTML is a page. It says how many
// pixels, and they are bounded: few bytes can be a picture that takes a browser
// gigabytes. A request for a logo names a client and never a URL, causes one fetch in
// a while, and does not say why there is none.
package logo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Limits of a fetch, for the client of Options.
const (
	// MaxBytes of a logo.
	MaxBytes = 256 << 10
	// Timeout of a fetch: a page waits for it.
	Timeout = 5 * time.Second
)

const (
	keepImage   = time.Hour
	keepNothing = 5 * time.Minute // that there is none to be had
	maxLogos    = 512
	maxTotal    = 16 << 20 // bytes of all that are kept
	maxFetches  = 32       // at a time
)

// Options of a Cache. Every field is required.
type Options struct {
	// Client fetches from the internet, with MaxBytes and Timeout; see package
	// outbound.
	Client *http.Client
	Now    func() time.Time
	Log    *slog.Logger
}

// Cache holds logos by their URL. It is safe for concurrent use.
type Cache struct {
	o       Options
	flights singleflight.Group
	slots   chan struct{} // one for each fetch

	mu    sync.Mutex
	kept  map[string]kept
	total int
}

type kept struct {
	image Image // zero: there is none to be had
	until time.Time
}

// New makes an empty Cache.
func New(o Options) *Cache {
	return &Cache{o: o, slots: make(chan struct{}, maxFetches), kept: map[string]kept{}}
}

// Get returns the logo at a URL, which is fetched if it is not known. False: there is
// none to be had.
func (c *Cache) Get(ctx context.Context, url string) (Image, bool) {
	if image, known := c.look(url); known {
		return image, image.Type != ""
	}
	fetch := c.flights.DoChan(url, func() (any, error) {
		if image, known := c.look(url); known { // fetched since we looked
			return image, nil
		}
		return c.fetch(context.WithoutCancel(ctx), url), nil // the first to ask may go away
	})
	select {
	case <-ctx.Done():
		return Image{}, false
	case result := <-fetch:
		image, _ := result.Val.(Image)
		return image, image.Type != ""
	}
}

// fetch fetches a logo and keeps what came of it. It waits for a slot while too many
// others are fetched; if none gets free in time, nothing is kept.
func (c *Cache) fetch(ctx context.Context, url string) Image {
	waiting, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	select {
	case <-waiting.Done():
		return Image{}
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	}
	image, err := c.ask(ctx, url)
	if err != nil {
		c.o.Log.Debug("no logo", "error", err)
	}
	c.keep(url, image)
	return image
}

func (c *Cache) ask(ctx context.Context, url string) (Image, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return Image{}, err
	}
	r.Header.Set("Accept", "image/png, image/jpeg, image/webp, image/gif")
	response, err := c.o.Client.Do(r)
	if err != nil {
		return Image{}, err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if response.StatusCode != http.StatusOK {
		return Image{}, fmt.Errorf("fetch a logo: status %d", response.StatusCode)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return Image{}, fmt.Errorf("fetch a logo: %w", err)
	}
	return newImage(content)
}

func (c *Cache) look(url string) (Image, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, known := c.kept[url]
	return k.image, known && c.o.Now().Before(k.until)
}

func (c *Cache) keep(url string, image Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.o.Now()
	k := kept{image: image, until: now.Add(keepNothing)}
	if image.Type != "" {
		k.until = now.Add(keepImage)
	}
	c.drop(url)
	c.kept[url] = k
	c.total += len(image.Bytes)
	if len(c.kept) > maxLogos || c.total > maxTotal {
		c.makeRoom(url)
	}
}

// makeRoom forgets, of all but the newest, those that end first until a quarter
// of the room is free. It runs seldom, so that nothing need be kept in order.
func (c *Cache) makeRoom(newest string) {
	urls := make([]string, 0, len(c.kept))
	for url := range c.kept {
		if url != newest {
			urls = append(urls, url)
		}
	}
	slices.SortFunc(urls, func(a, b string) int { return c.kept[a].until.Compare(c.kept[b].until) })
	for _, url := range urls {
		if len(c.kept) <= maxLogos*3/4 && c.total <= maxTotal*3/4 {
			return
		}
		c.drop(url)
	}
}

func (c *Cache) drop(url string) {
	c.total -= len(c.kept[url].image.Bytes)
	delete(c.kept, url)
}
