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

// readyz says whether requests may be sent here, and if not, what is missing. A server that
// was ready once stays so while its database is away: every replica has the same database,
// and without any there would be no keys to verify tokens with.
func (s *Server) readyz(x *exchange) int {
	if missing := s.Health.Missing(); len(missing) > 0 {
		return writeText(x, http.StatusServiceUnavailable, "not ready:\n- "+strings.Join(missing, "\n- ")+"\n")
	}
	if impaired := s.Health.Impaired(s.Now()); len(impaired) > 0 {
		return writeText(x, http.StatusOK, "ready, but no tokens are issued:\n- "+strings.Join(impaired, "\n- ")+"\n")
	}
	return writeText(x, http.StatusOK, "ok\n")
}

func writeText(x *exchange, status int, text string) int {
	x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	x.w.WriteHeader(status)
	_, _ = io.WriteString(x.w, text)
	return status
}
