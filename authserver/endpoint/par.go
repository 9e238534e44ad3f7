package endpoint

import (
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/peer"
)

// What clients that do not authenticate may push in a minute: from one address, and
// all together at one replica. Each request is a write of a few thousand bytes that is
// kept for authorize.PushedLifetime, so that together they take some 30 MB at most.
const (
	pushesPerMinute    = 600
	allPushesPerMinute = 6000
)

// pushedAnswer is RFC 9126, Section 2.2.
type pushedAnswer struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// par is POST /oauth/par (RFC 9126, Section 2): the client authenticates as at
// the token endpoint, then its request is checked as at the authorization
// endpoint, and kept.
func (s *Server) par(x *exchange) int {
	uri, err := s.push(x)
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusCreated, pushedAnswer{uri, int64(authorize.PushedLifetime / time.Second)})
}

func (s *Server) push(x *exchange) (string, error) {
	if !s.mayIssueToUsers(x) {
		return "", oauth.TemporarilyUnavailable("this replica cannot take requests at the moment")
	}
	p, err := readForm(x)
	if err != nil {
		return "", err
	}
	client, err := s.authenticate(x, &p)
	if err != nil {
		return "", err
	}
	now := s.Now()
	if client.Public() { // RFC 9126, Section 2.3: 429
		if wait := s.pushes.takeBoth(peer.Network(s.remoteAddress(x)), pushesPerMinute, allPushesPerMinute, now); wait > 0 {
			return "", limited(wait, "too many pushed requests; try again later")
		}
	}
	return s.pushed().Push(x.r.Context(), s.checker(x.view), client, &p, now)
}
