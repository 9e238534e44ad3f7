package registrar

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
)

// FindPeople returns the people with a user name or, if that is empty, the person whom an
// upstream provider, by its issuer, calls id.
func (s *Server) FindPeople(ctx context.Context, username, issuer, id string) (oauth.PeopleFound, error) {
	query := url.Values{"username": {username}}
	if username == "" {
		query = url.Values{"issuer": {issuer}, "subject": {id}}
	}
	var answer oauth.PeopleFound
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.registrarURL("people?" + query.Encode()), into: &answer})
	return answer, err
}

// ReadPerson returns where somebody is signed in, and what apps may do for them.
func (s *Server) ReadPerson(ctx context.Context, subject string) (oauth.Person, error) {
	var answer oauth.Person
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.person(subject), into: &answer})
	if err == nil && answer.Subject != subject {
		err = fmt.Errorf("%w: another person than was asked for", ErrGarbage)
	}
	return answer, err
}

// SignOut ends the sessions of somebody, and the tokens that apps have for them. Who
// has none is no error.
func (s *Server) SignOut(ctx context.Context, subject string) (oauth.SignedOut, error) {
	var answer oauth.SignedOut
	_, err := s.do(ctx, call{method: http.MethodDelete, url: s.person(subject), into: &answer})
	if err == nil && answer.Subject != subject {
		err = fmt.Errorf("%w: another person than was to be signed out", ErrGarbage)
	}
	return answer, err
}

// person is the URL of a user. A `sub` has slashes, which stay as they are: gateways refuse
// %2F in a path, or decode it.
func (s *Server) person(subject string) string {
	return s.registrarURL("people/" + strings.ReplaceAll(url.PathEscape(subject), "%2F", "/"))
}
