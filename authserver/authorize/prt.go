package authorize

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

const (
	prtPurpose = "prt"
	prtVersion = "2"
	// PendingLifetime is how long a pending request is good.
	PendingLifetime = 10 * time.Minute
	// MaxPRT is how many bytes a prt may have.
	MaxPRT = 4096
	// maxParameters is how many bytes the parameters of a request may have, form-
	// urlencoded: a prt with so many just fits.
	maxParameters = 2800
	// maxHint is how many bytes an id_token_hint may have: more than ours do.
	maxHint = 3 << 10
)

// ErrPRT says that a prt is of no use: not ours, too old, or another browser's.
// Beginning again helps.
var ErrPRT = errors.New("the pending request is not valid in this browser, or too old")

// Pending is a request that waits for its user. It lies sealed in the `prt` of the
// browser's address and nowhere else, so that an anonymous visitor causes no
// write.
type Pending struct {
	// Parameters of the request, form-urlencoded, those of known only.
	Parameters string
	// Issued is when the request came, in whole seconds.
	Issued time.Time
	// Session that the user was signed in with when a request came that is not content
	// with it (Request.Outgrows), by store.Session.ID; empty: none, or a request that
	// is.
	Session string
	// Subject is the hash (credential.Hash) of whom id_token_hint names; empty: there
	// was none.
	Subject string
}

// idTokenHint is the one parameter that is too long for a prt. It is verified when
// the request comes; of it only whom it names is kept.
const idTokenHint = "id_token_hint"

// known are the parameters that mean something here; others are ignored (RFC
// 6749, Section 3.1) and not kept.
var known = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource",
	"code_challenge", "code_challenge_method",
	"prompt", "max_age", "nonce", "login_hint",
	"request", "request_uri", "registration",
}

// Query writes the known parameters of a request, form-urlencoded. The error is an
// invalid_request: they are too long.
func Query(p *params.Params) (string, error) {
	text, err := keep(p)
	hint := p.Get(idTokenHint)
	switch {
	case err != nil || hint == "":
		return text, err
	case len(hint) > maxHint:
		return "", oauth.InvalidRequest("id_token_hint has more than %d bytes", maxHint)
	}
	return text + "&" + idTokenHint + "=" + url.QueryEscape(hint), nil
}

// keep is Query without the hint: what a prt has room for.
func keep(p *params.Params) (string, error) {
	values := url.Values{}
	for _, name := range known {
		if all := p.All(name); len(all) > 0 {
			values[name] = all
		}
	}
	text := values.Encode()
	if len(text) > maxParameters {
		return "", oauth.InvalidRequest("the request has more than %d bytes", maxParameters)
	}
	return text, nil
}

// NewPending takes what is kept of a request; r is the same request, checked, and
// session is Pending.Session. The error is an invalid_request: the request is too
// long.
func NewPending(p *params.Params, r *Request, session string, now time.Time) (Pending, error) {
	text, err := keep(p)
	pending := Pending{Parameters: text, Issued: now.UTC().Truncate(time.Second), Session: session}
	if r.Subject != "" {
		pending.Subject = credential.Hash(r.Subject)
	}
	return pending, err
}

// Params are the parameters, for Checker.Check: every check is made again, for
// client, policy and settings may have changed since.
func (p Pending) Params() (*params.Params, error) {
	parsed, err := params.Parse(p.Parameters, "resource")
	return &parsed, err
}

// Seal writes the prt, for the browser that has the cookie.
func (p Pending) Seal(keys credential.ServerKeys, cookie credential.Secret) (string, error) {
	fields := []string{prtVersion, strconv.FormatInt(p.Issued.Unix(), 10), credential.Hash(cookie.Reveal()), p.Session, p.Subject, p.Parameters}
	return keys.SealBox(prtPurpose, []byte(strings.Join(fields, "\n")))
}

// OpenPending reads what Seal wrote, in the same browser within ten minutes. The
// error is ErrPRT.
func OpenPending(keys credential.ServerKeys, prt string, cookie credential.Secret, now time.Time) (Pending, error) {
	if prt == "" || len(prt) > MaxPRT || cookie == "" {
		return Pending{}, ErrPRT
	}
	text, err := keys.OpenBox(prtPurpose, prt)
	if err != nil {
		return Pending{}, ErrPRT
	}
	p, browser, err := parsePending(string(text))
	if err != nil {
		return Pending{}, err
	}
	if subtle.ConstantTimeCompare([]byte(browser), []byte(credential.Hash(cookie.Reveal()))) != 1 {
		return Pending{}, ErrPRT
	}
	if !now.Before(p.Issued.Add(PendingLifetime)) {
		return Pending{}, ErrPRT
	}
	return p, nil
}

func parsePending(text string) (p Pending, browser string, err error) {
	fields := strings.Split(text, "\n")
	if len(fields) != 6 || fields[0] != prtVersion {
		return Pending{}, "", ErrPRT
	}
	issued, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return Pending{}, "", ErrPRT
	}
	return Pending{Parameters: fields[5], Issued: time.Unix(issued, 0).UTC(), Session: fields[3], Subject: fields[4]}, fields[2], nil
}
