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

// startEndpoints serves the endpoints, and registrars at a listener of their own if there
// is one.
func (s *Server) startEndpoints(on Listeners, stop context.CancelCauseFunc, running *sync.WaitGroup) []*http.Server {
	start := func(saying string, l net.Listener, h http.Handler, c certificate) *http.Server {
		server := s.newHTTP(h)
		scheme, serve := "http", func() error { return server.Serve(l) }
		if c != nil {
			server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c}
			scheme, serve = "https", func() error { return server.ServeTLS(l, "", "") }
		}
		s.log.Info(saying, "address", l.Addr().String(), "scheme", scheme)
		running.Go(func() {
			if err := serve(); !errors.Is(err, http.ErrServerClosed) {
				stop(fmt.Errorf("%s at %s: %w", saying, l.Addr(), err))
			}
		})
		return server
	}
	if on.Registrar == nil {
		return []*http.Server{start("serving", on.Endpoints, s.handler, s.options.Certificate)}
	}
	return []*http.Server{
		start("serving", on.Endpoints, s.handler.Public(), s.options.Certificate),
		start("serving registrars", on.Registrar, s.handler.Registrar(), s.options.RegistrarCertificate),
	}
}

type certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

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

// drain stops the servers. Readiness goes off at once, and long polls end; who has a
// connection is told to make another one with the next answer. The listeners stay open for
// the delay of the options, so that no connection is refused which was made before others
// noticed. Idle connections stay open as long, for a request may be on its way. Then
// running requests end. ctx ends early where the server cannot go on.
func (s *Server) drain(ctx context.Context, servers []*http.Server) {
	s.health.stopping.Store(true)
	close(s.draining)
	if s.options.ShutdownDelay > 0 {
		s.log.Info("stopping: not ready any more, and serving for a while longer", "delay", s.options.ShutdownDelay.String())
		select {
		case <-s.options.After(s.options.ShutdownDelay):
		case <-ctx.Done():
		}
	}
	end, cancel := context.WithTimeout(context.Background(), s.options.ShutdownTimeout)
	defer cancel()
	var stopping sync.WaitGroup
	for _, server := range servers {
		stopping.Go(func() {
			if err := server.Shutdown(end); err != nil {
				s.log.Warn("requests were still running at the end of the shutdown timeout", "error", err)
				_ = server.Close()
			}
		})
	}
	stopping.Wait()
	s.log.Info("stopped serving")
}
