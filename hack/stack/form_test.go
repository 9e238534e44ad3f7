package main

import (
	"net/url"
	"strings"
	"testing"
)

func TestReadFormSeesWhatABrowserWouldSend(t *testing.T) {
	tests := []struct{ rule, page, action, values string }{
		{"fields, unescaped", `<form method="post" action="/go?a=1&amp;b=2"><input type="hidden" name="csrf" value="a&quot;b"><input name="username" value=""><button>Go</button></form>`,
			"/go?a=1&b=2", "csrf=a%22b&username="},
		{"the first button's value counts, and only that", `<form method="post" action="/go"><button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>`,
			"/go", "decision=allow"},
		{"a form that is not posted is none of ours", `<form action="/search"><input name="q"></form><form method="POST" action=""><input name="x" value="1"></form>`,
			"", "x=1"},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			f, title, err := readForm(strings.NewReader("<title>A\n page</title>" + tc.page))
			if err != nil || f == nil {
				t.Fatalf("form %v, %v", f, err)
			}
			if f.action != tc.action || f.values().Encode() != tc.values || title != "A page" {
				t.Errorf("action %q, values %q, title %q", f.action, f.values().Encode(), title)
			}
		})
	}
	if f, _, err := readForm(strings.NewReader("<p>no form")); f != nil || err != nil {
		t.Errorf("a page without a form gives %v, %v", f, err)
	}
}

func TestSubmitWithoutActionGoesToThePageItself(t *testing.T) {
	address, err := url.Parse("http://127.0.0.1:1/oauth/continue?prt=x")
	if err != nil {
		t.Fatal(err)
	}
	p := &page{address: address, form: &form{}}
	req, err := p.submit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if req.URL.String() != address.String() || req.Header.Get("Origin") != "http://127.0.0.1:1" {
		t.Errorf("sent to %s from %s", req.URL, req.Header.Get("Origin"))
	}
}
