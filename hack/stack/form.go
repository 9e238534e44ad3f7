package main

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// form is a page's first form that is sent by POST.
type form struct {
	action string
	fields url.Values
	button button // the first; a form may well have none
}

// button is one that sends the form, with a value of its own if it has a name.
type button struct{ name, value, text string }

// has tells whether there is a field with the name.
func (f *form) has(name string) bool { _, ok := f.fields[name]; return ok }

// values are what is sent when the first button is pressed.
func (f *form) values() url.Values {
	values := maps.Clone(f.fields)
	if f.button.name != "" {
		values.Set(f.button.name, f.button.value)
	}
	return values
}

// readForm reads a page's form, nil if there is none, and its title.
func readForm(body io.Reader) (f *form, title string, err error) {
	root, err := html.Parse(body)
	if err != nil {
		return nil, "", fmt.Errorf("read a page: %w", err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "title" && title == "":
			title = text(n)
		case n.Data == "form" && f == nil && strings.EqualFold(attribute(n, "method"), "post"):
			f = formOf(n)
		}
	}
	return f, title, nil
}

func formOf(node *html.Node) *form {
	f := &form{action: attribute(node, "action"), fields: url.Values{}}
	pressed := false
	for n := range node.Descendants() {
		name := attribute(n, "name")
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "input" && name != "":
			f.fields.Add(name, attribute(n, "value"))
		case n.Data == "button" && !pressed:
			pressed = true
			f.button = button{name, attribute(n, "value"), text(n)}
		}
	}
	return f
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// text is what an element says, on one line.
func text(n *html.Node) string {
	var b strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
