package endpoint

import (
	"context"
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// named is a grant type that gives nothing.
type named oauth.GrantType

func (n named) Type() oauth.GrantType { return oauth.GrantType(n) }

func (named) Issue(context.Context, grant.Request) (grant.Issue, error) {
	return grant.Issue{}, errors.New("not reached")
}

func TestA11EveryGrantIsRefusedForAClientThatDidNotRegisterIt(t *testing.T) {
	known := []oauth.GrantType{"client_credentials", "authorization_code", "refresh_token"}
	c := Config{Metrics: NewMetrics(prometheus.NewRegistry())}
	for _, g := range known {
		c.Grants = append(c.Grants, named(g))
	}
	s := New(c)
	people := &View{Settings: Settings{Users: true}}
	for _, registered := range known {
		client := &registry.Client{Registration: oauth.Registration{GrantTypes: []oauth.GrantType{registered}}}
		for _, asked := range known {
			_, err := s.grantFor(people, client, string(asked))
			if asked == registered && err != nil {
				t.Errorf("%s, registered: %v", asked, err)
			}
			if asked != registered && oauth.CodeOf(err) != oauth.CodeUnauthorizedClient {
				t.Errorf("%s for a client of %s: %v, want unauthorized_client", asked, registered, err)
			}
		}
	}
}
