package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Pages renders pages. It is safe for concurrent use. New makes one.
type Pages struct {
	name   string // what the service is called
	origin string
	base   string // path of the issuer, without a trailing slash
	assets assets
	views  map[string]*template.Template
}

// Options are what New takes.
type Options struct {
	// Issuer of the server: its path comes before those of the assets.
	Issuer string
	// Name of the service, in the head of every page. Empty: the issuer's host.
	Name string
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// New parses the templates.
func New(o Options) (*Pages, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fmt.Errorf("pages: the issuer must be a URL like https://login.example")
	}
	p := &Pages{
		name: o.Name, origin: issuer.Scheme + "://" + issuer.Host, base: strings.TrimSuffix(issuer.EscapedPath(), "/"),
		views: map[string]*template.Template{},
	}
	if p.name == "" {
		p.name = issuer.Host
	}
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	for _, name := range []string{"signin", "consent", "account", "signout", "signedout", "error", "formpost", "onward", "barred"} {
		t, err := template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		p.views[name] = t
	}
	return p, nil
}

// functions that templates may call.
var functions = template.FuncMap{
	"clean":    clean,
	"text":     harmless,
	"duration": durationWords,
	"day":      dayWords,
	"moment":   momentWords,
	"machine":  machineTime,
	"browser":  browserWords,
	"webURL":   webURL,
	"last":     func(places []Place) int { return len(places) - 1 },
}

// page is what the layout needs beside the data of the page.
type page struct {
	// Title, with "Error: " before it where something went wrong: it is the first
	// thing that a screen reader says.
	Title  string
	Status int
	// Width is a class of main: "" narrow, "middle" or "wide-page".
	Width  string
	policy policy
	Data   any

	// Filled in by write.
	Service, Style, Icon, Script string
}

// write renders into memory first: a page is sent whole or not at all.
func (p *Pages) write(w http.ResponseWriter, view string, content page) error {
	content.Service = p.name
	content.Style = p.assetPath(p.assets.style)
	content.Icon = p.assetPath(p.assets.icon)
	if content.policy.script {
		content.Script = p.assetPath(p.assets.submit)
	}
	var body bytes.Buffer
	if err := p.views[view].Execute(&body, content); err != nil {
		return fmt.Errorf("page %s: %w", view, err)
	}
	setHeaders(w.Header(), content.policy)
	w.WriteHeader(content.Status)
	_, _ = w.Write(body.Bytes()) // the browser went away: nobody to tell
	return nil
}
