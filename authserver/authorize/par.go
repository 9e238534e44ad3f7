package authorize

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// requestURIPrefix begins every request_uri of ours (RFC 9126, Section 2.2).
const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// PushedLifetime is how long a pushed request waits for its browser; RFC 9126,
// Section 2.2 suggests 5 to 600 seconds.
const PushedLifetime = 90 * time.Second

// Pushed are pushed authorization requests (RFC 9126).
type Pushed struct {
	Requests store.PushedRequests
}

// Push keeps the request of an authenticated client:
//
//  1. no request_uri in it (RFC 9126, Section 2.1),
//  2. it is this client's,
//  3. every check that the authorization endpoint would make.
//
// Errors are *oauth.Error, to be told in the response: no browser is involved.
func (u Pushed) Push(ctx context.Context, c Checker, client *registry.Client, p *params.Params, now time.Time) (requestURI string, err error) {
	if p.Get("request_uri") != "" {
		return "", oauth.InvalidRequest("request_uri must not be pushed (RFC 9126, Section 2.1)")
	}
	if id := p.Get("client_id"); id != "" && id != client.ClientID {
		return "", oauth.InvalidRequest("client_id differs from the client that authenticates")
	}
	text, err := Query(p)
	if err != nil {
		return "", err
	}
	if p.Get("client_id") == "" {
		text = "client_id=" + client.ClientID + "&" + text // unreserved characters
	}
	request := Pending{Parameters: text}
	kept, err := request.Params()
	if err != nil {
		return "", err
	}
	if _, err := c.Check(kept); err != nil {
		return "", oauth.AsError(err)
	}
	reference := credential.NewPushedRequest().Reveal()
	err = u.Requests.PutPushedRequest(ctx, store.PushedRequest{
		Hash: credential.Hash(reference), ClientID: client.ClientID, Parameters: text,
		Expires: now.UTC().Truncate(time.Second).Add(PushedLifetime),
	})
	if err != nil {
		return "", fmt.Errorf("keeping a pushed request: %w", err)
	}
	return requestURIPrefix + reference, nil
}

// Resolve replaces the parameters of a request that names a pushed one by those
// that were pushed; what stands beside the name is not used (RFC 9126, Section 4;
// RFC 9101, Section 5). Other requests are given back as they are. It takes the
// pushed request: it is good for one time.
//
// The error is a *Shown, or the store's.
func (u Pushed) Resolve(ctx context.Context, p *params.Params, now time.Time) (*params.Params, error) {
	reference, ours := strings.CutPrefix(p.Get("request_uri"), requestURIPrefix)
	if !ours {
		return p, nil
	}
	unknown := shown(oauth.InvalidRequestURI("the pushed request is unknown, was used before, or has expired"))
	if !credential.ValidFormat(reference, credential.PrefixPushedRequest) {
		return nil, unknown
	}
	pushed, err := u.Requests.TakePushedRequest(ctx, credential.Hash(reference), now)
	if errors.Is(err, store.ErrNotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, fmt.Errorf("taking a pushed request: %w", err)
	}
	if p.Get("client_id") != pushed.ClientID {
		return nil, shown(oauth.InvalidRequest("client_id is not that of the client which pushed the request (RFC 9126, Section 4)"))
	}
	return Pending{Parameters: pushed.Parameters}.Params()
}
