package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"clientele.dev/clientele/hack/internal/stack"
)

// pagesAtMost is how many pages lie between the link and the app, generously.
const pagesAtMost = 6

// browser plays a person: it keeps cookies, follows redirects, fills in the forms
// it is shown and presses their first button. It knows nothing that is not on the
// page but the user's name and password.
type browser struct {
	client *http.Client
	user   stack.DemoUser
	say    func(format string, args ...any)
	// app is where the way ends, as the beginning of an address.
	app string
}

func newBrowser(user stack.DemoUser, app string, say func(string, ...any)) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &browser{client: &http.Client{Jar: jar}, user: user, say: say, app: app}, nil
}

// page is what a browser shows.
type page struct {
	address *url.URL
	form    *form // nil if it has none
	title   string
}

// visit opens the link and goes on until the app has been reached.
func (b *browser) visit(ctx context.Context, link string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return err
	}
	asked := false
	for range pagesAtMost {
		p, err := b.open(req)
		if err != nil || p == nil {
			return err
		}
		b.say("      the page %q is shown", p.title)
		if p.form == nil {
			return fmt.Errorf("the page %q at %s has no form and leads nowhere", p.title, p.address.Path)
		}
		if p.form.has("password") {
			if asked {
				return errors.New("the server does not take the demo user's name and password")
			}
			asked = true
			p.form.fields.Set("username", b.user.Name)
			p.form.fields.Set("password", b.user.Password.Reveal())
		}
		b.say("      pressing %q", p.form.button.text)
		if req, err = p.submit(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("the app was not reached after %d pages", pagesAtMost)
}

// open sends a request and follows it; nil: it led to the app.
func (b *browser) open(req *http.Request) (*page, error) {
	resp, err := b.client.Do(req)
	if err != nil {
		// An address may hold a code.
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("open a page: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	if strings.HasPrefix(resp.Request.URL.String(), b.app) {
		return nil, nil
	}
	p := &page{address: resp.Request.URL}
	if p.form, p.title, err = readForm(bytes.NewReader(body)); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s with the page %q", resp.Status, p.title)
	}
	return p, nil
}

// submit presses the form's first button.
func (p *page) submit(ctx context.Context) (*http.Request, error) {
	target, err := p.address.Parse(p.form.action) // an empty action is the page's own address
	if err != nil {
		return nil, fmt.Errorf("the form's action: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(p.form.values().Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.address.Scheme+"://"+p.address.Host)
	return req, nil
}
