package endpoint

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// mostPeople is how many of one name are listed, mostSessions how many of one person's.
const mostPeople, mostSessions = 100, 100

// findPeople is GET /registrar/v1/people?username= or ?issuer=&subject=: the `sub` of
// somebody, for the people who run the server. By user name a local user is found,
// disabled or not, and whoever is signed in; by what a provider calls somebody
// everybody is, also who was never here. While the local users are not known, user
// names are temporarily_unavailable: "nobody" would have somebody believe that there
// is nobody to sign out.
func (s *Server) findPeople(x *exchange, _ Caller) int {
	found, err := s.peopleMeant(x)
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusOK, found)
}

func (s *Server) peopleMeant(x *exchange) (oauth.PeopleFound, error) {
	q, err := query(x)
	if err != nil {
		return oauth.PeopleFound{}, err
	}
	username, issuer, subject := q.Get("username"), q.Get("issuer"), q.Get("subject")
	switch {
	case username != "" && issuer+subject != "":
		return oauth.PeopleFound{}, oauth.InvalidRequest("want username, or issuer and subject, and not both")
	case username != "":
		return s.peopleNamed(x, username)
	case issuer == "" || subject == "":
		return oauth.PeopleFound{}, oauth.InvalidRequest("want username, or issuer and subject")
	}
	return oauth.PeopleFound{Subjects: []string{oauth.UpstreamSubject(issuer, subject)}}, nil
}

func (s *Server) peopleNamed(x *exchange, username string) (oauth.PeopleFound, error) {
	if err := signin.CheckUsernameSought(username); err != nil {
		return oauth.PeopleFound{}, oauth.InvalidRequest("username %v", err)
	}
	found, err := s.Flows.PeopleNamed(x.r.Context(), username, s.Now(), mostPeople+1)
	if err != nil {
		return oauth.PeopleFound{}, err
	}
	more := len(found) > mostPeople
	found = found[:min(len(found), mostPeople)]
	local, ok, err := s.Roster.Local.Named(username)
	if err != nil {
		return oauth.PeopleFound{}, err
	}
	if ok {
		found = append(found, local)
	}
	slices.Sort(found)
	return oauth.PeopleFound{Subjects: append([]string{}, slices.Compact(found)...), More: more}, nil
}

// showPerson is GET /registrar/v1/people/{sub}.
func (s *Server) showPerson(x *exchange, _ Caller) int {
	if !oauth.ValidSubject(x.rest) {
		return s.fail(x, noPerson())
	}
	ctx, now := x.r.Context(), s.Now()
	apps, err := s.accounts(x.view).Apps(ctx, x.rest, now)
	if err != nil {
		return s.fail(x, err)
	}
	sessions, err := s.accounts(x.view).ActiveSessions(ctx, x.rest, now)
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusOK, personShown(x.rest, sessions, apps))
}

func personShown(subject string, sessions []store.Session, apps []signin.App) oauth.Person {
	p := oauth.Person{Subject: subject, TotalSessions: len(sessions), Sessions: []oauth.PersonSession{}, Apps: []oauth.PersonApp{}}
	for _, known := range sessions[:min(len(sessions), mostSessions)] {
		shown := oauth.PersonSession{
			Username: known.Username, UserAgent: known.UserAgent, Address: known.Address,
			SignedInAt: known.Created.Unix(), SeenAt: known.Seen.Unix(),
		}
		if known.Source.Name != signin.SourceLocal {
			shown.Provider = known.Source.Name
		}
		p.Sessions = append(p.Sessions, shown)
	}
	for _, app := range apps {
		for _, access := range app.Access {
			shown := oauth.PersonApp{ClientID: app.ClientID, Resource: access.Resource, Scopes: access.Scopes}
			if !access.Until.IsZero() {
				shown.RefreshUntil = access.Until.Unix()
			}
			p.Apps = append(p.Apps, shown)
		}
	}
	return p
}

// signOutPerson is DELETE /registrar/v1/people/{sub}: 200 with what was ended, also if
// that is nothing, so that it can be repeated (FAILURES A19). Sessions, refresh tokens
// and with them access tokens end; what the person allowed apps stays remembered.
// Whether they may sign in again is for the users document or their provider to say.
// What other requests are about to write at this moment is over when they do.
func (s *Server) signOutPerson(x *exchange, caller Caller) int {
	if !oauth.ValidSubject(x.rest) {
		return s.fail(x, noPerson())
	}
	ended, err := s.EndAccess(x.r.Context(), signin.Ending{Subject: x.rest, Cause: signin.CauseRegistrar},
		slog.String("caller", caller.User), slog.String("remote", s.remoteAddress(x)))
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusOK, oauth.SignedOut{Subject: x.rest, Sessions: ended.Sessions, Families: ended.Families})
}

// EndAccess carries an Ending out and writes down what ended, also before an error. by is
// whose decision it was, if somebody's: that is written down also where there was nothing.
func (s *Server) EndAccess(ctx context.Context, e signin.Ending, by ...slog.Attr) (store.Ended, error) {
	account := signin.Account{Families: s.Flows, Sessions: signin.Sessions{Store: s.Flows}}
	ended, err := account.End(ctx, e, s.Now())
	if ended != (store.Ended{}) || err == nil && len(by) > 0 {
		s.Audit.Write(ctx, audit.AccessEnded, append([]slog.Attr{
			slog.String("subject", e.Subject), slog.String("cause", e.Cause),
			slog.Int("sessions", ended.Sessions), slog.Int("families", ended.Families),
		}, by...)...)
	}
	return ended, err
}

func noPerson() error {
	return oauth.InvalidRequest("that is no user's `sub`: want %s", oauth.SubjectForms)
}
