package authserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the HTTP servers. There is no handler timeout: nothing on the way to
// a token waits for anything, and the long poll sets its own.
const (
	// readTimeout is for headers and body together. One limit rather than two:
	// net/http then moves the deadline once less per request.
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
)

func (s *Server) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// net/http tells of every broken connection; anybody can cause these.
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) startHTTP(l net.Listener, stop context.CancelCauseFunc, running *sync.WaitGroup) *http.Server {
	server := s.newHTTP(s.handler)
	scheme := "http"
	serve := func() error { return server.Serve(l) }
	if s.options.Certificate != nil {
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.options.Certificate}
		scheme = "https"
		serve = func() error { return server.ServeTLS(l, "", "") }
	}
	s.log.Info("serving", "address", l.Addr().String(), "scheme", scheme)
	running.Go(func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("serve the endpoints: %w", err))
		}
	})
	return server
}

func (s *Server) startMetrics(l net.Listener, stop context.CancelCauseFunc, running *sync.WaitGroup) *http.Server {
	if l == nil {
		return nil
	}
	server := s.newHTTP(s.MetricsHandler())
	s.log.Info("serving metrics", "address", l.Addr().String())
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			stop(fmt.Errorf("serve metrics: %w", err))
		}
	})
	return server
}

// drain lets running requests end: readyz says so first, long polls end at once.
func (s *Server) drain(server *http.Server) {
	s.health.stopping.Store(true)
	close(s.draining)
	ctx, cancel := context.WithTimeout(context.Background(), s.options.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("requests were still running at the end of the shutdown timeout", "error", err)
		_ = server.Close()
	}
	s.log.Info("stopped serving")
}
