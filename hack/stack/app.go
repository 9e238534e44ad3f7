package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"clientele.dev/clientele/hack/internal/stack"
)

const (
	// callbackPath is that of the sample's redirect URI.
	callbackPath = "/callback"
	// pageWithin is how long a browser that came back waits for the app's page.
	pageWithin = 15 * time.Second
)

// app is the user's program: it listens on loopback for the browser to come back
// (RFC 8252, Section 7.3).
type app struct {
	server  *http.Server
	address string
	// came takes what the first browser brought back.
	came chan url.Values
	// page is what that browser is shown in the end.
	page chan string
}

func newApp(r *stack.Reporter) (*app, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser to come back: %w", err)
	}
	a := &app{address: l.Addr().String(), came: make(chan url.Values, 1), page: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+callbackPath, a.callback)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: pageWithin}
	go func() {
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.Say("      the app's listener ended: %v", err)
		}
	}()
	return a, nil
}

// redirectURI is the registered one, with this program's port.
func (a *app) redirectURI() string { return "http://" + a.address + callbackPath }

// show says what the browser that came back is shown.
func (a *app) show(page string) {
	select {
	case a.page <- page:
	default:
	}
}

// close waits a moment for a page that is being shown.
func (a *app) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.show("The demo has ended.\n")
	if err := a.server.Shutdown(ctx); err != nil {
		_ = a.server.Close()
	}
}

// callback holds the browser until the demo knows what to show.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	select {
	case a.came <- r.URL.Query():
	default:
		http.Error(w, "The app has its answer already; open the demo's link again after the next start.", http.StatusGone)
		return
	}
	late := time.NewTimer(pageWithin)
	defer late.Stop()
	select {
	case page := <-a.page:
		fmt.Fprint(w, page)
	case <-late.C:
		fmt.Fprint(w, "You are back at the app. The terminal says how it went on.\n")
	case <-r.Context().Done():
	}
}
