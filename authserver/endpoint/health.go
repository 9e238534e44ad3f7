package endpoint

import (
	"io"
	"net/http"
	"strings"
)

// healthz says that the process answers.
func (s *Server) healthz(x *exchange) int {
	return writeText(x, http.StatusOK, "ok\n")
}

// readyz says whether tokens can be had here, and if not, what is missing.
func (s *Server) readyz(x *exchange) int {
	missing := s.Health.Missing(s.Now())
	if len(missing) == 0 {
		return writeText(x, http.StatusOK, "ok\n")
	}
	return writeText(x, http.StatusServiceUnavailable, "not ready:\n- "+strings.Join(missing, "\n- ")+"\n")
}

func writeText(x *exchange, status int, text string) int {
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, text)
	return status
}
