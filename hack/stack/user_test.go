package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"clientele.dev/clientele/hack/internal/stack"
)

func TestCodeOfChecksTheAnswerFirst(t *testing.T) {
	const issuer = "http://127.0.0.1:1"
	tests := []struct {
		rule, answer, code string
		attended, left     bool
	}{
		{"code", "code=c&state=s&iss=" + issuer, "c", false, false},
		{"another state", "code=c&state=x&iss=" + issuer, "", false, false},
		{"no issuer (RFC 9207)", "code=c&state=s", "", false, false},
		{"another issuer", "code=c&state=s&iss=http://127.0.0.1:2", "", false, false},
		{"neither code nor error", "state=s&iss=" + issuer, "", false, false},
		{"denied by nobody is a failure", "error=access_denied&state=s&iss=" + issuer, "", false, false},
		{"denied by a person is an end", "error=access_denied&state=s&iss=" + issuer, "", true, true},
		{"an error of a person's is a failure", "error=server_error&state=s&iss=" + issuer, "", true, false},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			answer, err := url.ParseQuery(tc.answer)
			if err != nil {
				t.Fatal(err)
			}
			u := &userAct{demoRun: &demoRun{credentials: credentials{issuer: issuer}}, state: "s", attended: tc.attended}
			code, err := u.codeOf(answer)
			left := errLeft("")
			if code != tc.code || (err == nil) != (tc.code != "") || errors.As(err, &left) != tc.left {
				t.Errorf("codeOf() = %q, %v", code, err)
			}
		})
	}
}

// pages is a server with a sign-in page that takes one password, a consent page,
// and the way to the app.
func pages(t *testing.T, back string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	form := func(w http.ResponseWriter, action, fields string) {
		_, _ = io.WriteString(w, `<title>P</title><form method="post" action="`+action+`"><input type="hidden" name="csrf" value="t">`+fields+`</form>`)
	}
	password := func(w http.ResponseWriter) {
		form(w, "/signin", `<input name="username"><input type="password" name="password"><button>Sign in</button>`)
	}
	mux.HandleFunc("GET /begin", func(w http.ResponseWriter, _ *http.Request) { password(w) })
	mux.HandleFunc("POST /signin", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("csrf") != "t" || r.FormValue("username") != "demo" || r.FormValue("password") != "right" {
			password(w)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
		form(w, "/consent", `<button name="decision" value="allow">Allow</button>`)
	})
	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != "1" || r.FormValue("decision") != "allow" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		http.Redirect(w, r, back+"?code=c&state=s", http.StatusSeeOther)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func newTestApp(t *testing.T) *app {
	t.Helper()
	a, err := newApp(&stack.Reporter{Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return a
}

func TestBrowserGoesThroughThePagesToTheApp(t *testing.T) {
	a := newTestApp(t)
	server := pages(t, a.redirectURI())
	var said sayings
	b, err := newBrowser(stack.DemoUser{Name: "demo", Password: "right"}, a.redirectURI(), said.say)
	if err != nil {
		t.Fatal(err)
	}
	a.show("the claims")
	if err := b.visit(t.Context(), server.URL+"/begin"); err != nil {
		t.Fatal(err)
	}
	if answer := <-a.came; answer.Get("code") != "c" {
		t.Errorf("the app was told %v", answer)
	}
	if strings.Contains(said.String(), "right") {
		t.Error("the password is shown")
	}
	// A second browser is not waited for.
	a.came <- nil
	resp, err := http.Get(a.redirectURI())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusGone {
		t.Errorf("a second browser: %s", resp.Status)
	}
}

func TestBrowserTellsOfAWrongPassword(t *testing.T) {
	a := newTestApp(t)
	var said sayings
	b, err := newBrowser(stack.DemoUser{Name: "demo", Password: "wrong"}, a.redirectURI(), said.say)
	if err != nil {
		t.Fatal(err)
	}
	err = b.visit(t.Context(), pages(t, a.redirectURI()).URL+"/begin")
	if err == nil || !strings.Contains(err.Error(), "name and password") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("visit() = %v", err)
	}
}

// sayings keeps the formats and arguments of what was said.
type sayings struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *sayings) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(format)
	for _, a := range args {
		if text, ok := a.(string); ok {
			s.text.WriteString(text)
		}
	}
}

func (s *sayings) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
