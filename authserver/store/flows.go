package store

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Errors of the roles that keep what people do.
var (
	// ErrUsed: the one-time record was taken before.
	ErrUsed = errors.New("already used")
	// ErrConflict: the record was moved on, or revoked, by somebody else.
	ErrConflict = errors.New("changed by somebody else")
)

// All times of these records are whole seconds, UTC; the zero time means "not"
// (not revoked, never used). Hashes are credential.Hash of a random value of 256
// bits: what lies in the database opens nothing.

// Source is who said who a person is, as it was when they signed in.
type Source struct {
	// Name is "local", or that of an upstream provider in the settings.
	Name string `json:"name,omitempty"`
	// Issuer and ClientID of the provider: under the same name the settings may
	// have another one later. Empty for local users.
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	// Stamp is of what a local user proved it with; it is another one once their
	// password is. Empty for people of providers.
	Stamp string `json:"stamp,omitempty"`
}

// Grant is what a person allowed a client: the part that a code, a family and the
// tokens made from them have in common.
type Grant struct {
	ClientID string `json:"client_id"`
	// Subject is the person's `sub`.
	Subject string `json:"subject"`
	// Source of the person.
	Source Source `json:"source,omitzero"`
	// SessionID (Session.ID) the person was signed in with.
	SessionID string `json:"session_id"`
	// Access that was allowed, by resource, in the order in which the client asked;
	// never empty.
	Access []Access `json:"access"`
	// Roles, Groups and Tenant of the person at the sign-in.
	Roles  []string `json:"roles,omitempty"`
	Groups []string `json:"groups,omitempty"`
	Tenant string   `json:"tenant,omitempty"`
	// AuthTime is when the person authenticated (OpenID Connect Core, Section 2), in
	// Unix seconds; 0: not known.
	AuthTime int64  `json:"auth_time"`
	Nonce    string `json:"nonce,omitempty"`
	// SignOuts of the session (Session.SignOuts) it was allowed in.
	SignOuts int64 `json:"sign_outs,omitempty"`
	// Place at which it was allowed (oauth.Registration.ConsentPlace).
	Place string `json:"place,omitempty"`
}

// Access is what a person allowed at one resource (RFC 8707).
type Access struct {
	Resource string   `json:"resource"`
	Scopes   []string `json:"scopes"`
}

// Code is an authorization code (RFC 6749, Section 4.1.2).
type Code struct {
	Hash  string
	Grant Grant
	// RedirectURI as the authorization request named it; empty if it named none.
	RedirectURI string
	// Challenge is the S256 code challenge (RFC 7636); empty: none was sent.
	Challenge string
	// FamilyID that the tokens made from this code belong to, chosen when the code
	// is made, so that a second use knows what to revoke.
	FamilyID string
	// Issued is when it was made, Expires when it ends.
	Issued, Expires time.Time
}

// Codes keeps authorization codes.
type Codes interface {
	PutCode(ctx context.Context, c Code) error
	// Code reads one without taking it: ErrNotFound if it is unknown or expired at
	// now, was taken or revoked, or is of before the person was signed out (SignOut).
	Code(ctx context.Context, hash string, now time.Time) (Code, error)
	// TakeCode gives the code to exactly one caller. Whoever comes later, until it
	// is swept, gets ErrUsed together with the code, and the family that the first
	// caller may be about to put is refused (PutFamily). So does who takes a code
	// that RevokeFamilies hit, or that is of before a SignOut. ErrNotFound: unknown, or
	// expired at now.
	TakeCode(ctx context.Context, hash string, now time.Time) (Code, error)
}

// Family is a chain of refresh tokens, one row however often it is refreshed.
type Family struct {
	ID    string
	Grant Grant
	// Generation of the current refresh token; the first is 1.
	Generation int64
	// Current is the keyed hash (credential.ServerKeys.Seal) of the refresh token of this
	// generation; empty: the client gets none.
	Current string
	// Rotations are the latest ones, the last of them to this generation: as many as there
	// are refresh tokens which may still be presented in place of the current one.
	Rotations []Rotation
	// Retries of this family's client.
	Retries Retries
	// Created, Rotated: when it began and when it was moved on last.
	Created, Rotated time.Time
	// Expires ends it absolutely, IdleExpires unless it is used before.
	Expires, IdleExpires time.Time
	// Revoked is when it was revoked; its access tokens are revoked with it.
	Revoked time.Time
}

// Rotation is how a family came to a generation.
type Rotation struct {
	// At is when, in Unix seconds.
	At int64 `json:"at"`
	// Key is the version of the server key that the refresh token was derived with.
	Key int `json:"key"`
}

// Retries are generations in a row whose refresh token came again after it was used.
type Retries struct {
	// Generation is the latest; 0: there was none.
	Generation int64 `json:"generation"`
	// InRow is how many generations there are, up to that one.
	InRow int `json:"in_row"`
}

// FamilyFilter chooses families; empty members choose all. A filter that is
// empty altogether chooses none.
type FamilyFilter struct{ ID, Subject, ClientID string }

// Families keeps token families, of clients without refresh tokens too.
type Families interface {
	// PutFamily adds one: ErrConflict if its code was presented a second time or
	// hit by RevokeFamilies or SignOut since.
	PutFamily(ctx context.Context, f Family) error
	// Family reads one, revoked and expired ones too: ErrNotFound. One of before a
	// SignOut is revoked, whenever it was written.
	Family(ctx context.Context, id string) (Family, error)
	// AdvanceFamily replaces the family next.ID by next if its stored generation
	// is from and it is not revoked: ErrConflict otherwise. Subject and client stay
	// what they were for RevokeFamilies.
	AdvanceFamily(ctx context.Context, from int64, next Family) error
	// RevokeFamilies revokes those that a filter chooses and that are not revoked
	// yet, and says how many that were. Codes that it chooses and that led to no
	// family yet are revoked too, uncounted. What it did outlives a power loss, as
	// does every end: EndSession, SignOut, WithdrawConsents, RevokeToken.
	RevokeFamilies(ctx context.Context, filter FamilyFilter, now time.Time) (int, error)
	// FamiliesOf lists a person's families that are neither revoked nor expired, nor of
	// before a SignOut.
	FamiliesOf(ctx context.Context, subject string, now time.Time) ([]Family, error)
}

// Holdings are what people let a client have, as it is now.
type Holdings struct {
	// Families that are neither revoked nor expired.
	Families int
	// People who allowed it something.
	People int
}

// Holders tells what clients hold.
type Holders interface {
	// Holdings of a client id; none if it is unknown.
	Holdings(ctx context.Context, clientID string, now time.Time) (Holdings, error)
}

// Session is a person signed in at one browser.
type Session struct {
	// ID names it where its cookie must not be known; Hash is of the cookie.
	ID, Hash string
	Subject  string
	Source   Source
	// Username, Name and Email are for the pages and for userinfo.
	Username, Name, Email string
	EmailVerified         bool
	Roles, Groups         []string
	Tenant                string
	// UserAgent and Address, for the account page.
	UserAgent, Address string
	// AuthTime is when the person authenticated, here or at the provider; zero: it
	// does not say. Created is when the session began, Seen when it was used last, to
	// the minute; Expires ends it.
	AuthTime, Created, Seen, Expires time.Time
	// SignOuts is what Sessions.SignOuts said before the session began.
	SignOuts int64
}

// FoldUsername gives what user names are compared by: upper and lower case are one, of
// whatever script.
func FoldUsername(s string) string { return strings.ToLower(s) }

// Ended is how much somebody lost.
type Ended struct{ Sessions, Families int }

// Sessions keeps sessions, and how often their people were signed out of everything.
type Sessions interface {
	// SignOuts is how often SignOut was called for a person.
	SignOuts(ctx context.Context, subject string) (int64, error)
	// SignOut ends a person's sessions, families and codes, all or none of them, and
	// returns how many sessions and families there were. It increments SignOuts, the
	// person's epoch. A record with an older epoch is invalid, even if a request in
	// flight writes it later.
	//
	// mark names an event that every replica carries out, such as a password reset:
	// where the person's last mark is the same, SignOut does nothing. Empty: no mark.
	SignOut(ctx context.Context, subject, mark string, now time.Time) (Ended, error)
	PutSession(ctx context.Context, s Session) error
	// Session reads one by the hash of its cookie: ErrNotFound if unknown, ended,
	// expired at now, or of before a SignOut.
	Session(ctx context.Context, hash string, now time.Time) (Session, error)
	// TouchSession sets Seen; an unknown session is no error.
	TouchSession(ctx context.Context, id string, seen time.Time) error
	// EndSession removes one of a person's sessions by its ID; an unknown one, or
	// somebody else's, is ErrNotFound.
	EndSession(ctx context.Context, subject, id string) error
	// PeopleNamed lists the first most of the people (`sub`), in their order, who have a
	// session that has not expired and whose Username is that one, folded.
	PeopleNamed(ctx context.Context, username string, now time.Time, most int) ([]string, error)
	// SessionsOf lists a person's sessions that have not expired, nor are of before a
	// SignOut.
	SessionsOf(ctx context.Context, subject string, now time.Time) ([]Session, error)
}

// Consent is what a person allowed a client for a resource.
type Consent struct {
	Subject, ClientID, Resource string
	// Place at which it holds (oauth.Registration.ConsentPlace); empty: everywhere.
	Place string
	// Promise is oauth.Registration.ConsentPromise of the client when it was given.
	Promise string
	// Scopes sorted.
	Scopes []string
	// Granted is when it was given or widened last.
	Granted time.Time
}

// ConsentKey chooses a consent: what a person allowed a client for a resource, at a place,
// under a promise, at Since or later. Since is when the client became what it is.
type ConsentKey struct {
	Subject, ClientID, Resource string
	Place, Promise              string
	Since                       time.Time
}

// Key of the consent, for a client that is what it is since a time.
func (c Consent) Key(since time.Time) ConsentKey {
	return ConsentKey{c.Subject, c.ClientID, c.Resource, c.Place, c.Promise, since}
}

// Consents keeps consents.
type Consents interface {
	// AddConsent adds the scopes, at least one, to what there is. since is when the client
	// became what it is. A scope that was allowed before since, or under another promise, was
	// allowed to another client, and is replaced.
	AddConsent(ctx context.Context, c Consent, since time.Time) error
	// Consent reads one: ErrNotFound if there is none.
	Consent(ctx context.Context, key ConsentKey) (Consent, error)
	ConsentsOf(ctx context.Context, subject string) ([]Consent, error)
	// WithdrawConsents removes a person's consents to a client, for every
	// resource and at every place, and keeps that they withdrew at now, if the client is there. false:
	// there were none, and nothing is kept that was not before.
	WithdrawConsents(ctx context.Context, subject, clientID string, now time.Time) (bool, error)
	// Withdrawn tells whether the person withdrew at since or later, whatever they
	// allowed afterwards.
	Withdrawn(ctx context.Context, subject, clientID string, since time.Time) (bool, error)
}

// Attempts counts failed sign-ins and other guesses.
type Attempts interface {
	// CountAttempt adds one to the counter of key and returns what it then is,
	// atomically. A counter starts again at window after its first attempt. key is
	// a hash, at most 128 bytes.
	CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error)
	// Attempts reads the counter, 0 if there is none.
	Attempts(ctx context.Context, key string, now time.Time) (int, error)
	// ClearAttempts forgets the counter.
	ClearAttempts(ctx context.Context, key string) error
}

// PushedRequest is a pushed authorization request (RFC 9126).
type PushedRequest struct {
	// Hash of the reference's random part.
	Hash     string
	ClientID string
	// Parameters as application/x-www-form-urlencoded.
	Parameters string
	Expires    time.Time
}

// PushedRequests keeps pushed authorization requests.
type PushedRequests interface {
	PutPushedRequest(ctx context.Context, r PushedRequest) error
	// TakePushedRequest gives it to exactly one caller: ErrNotFound for the others.
	TakePushedRequest(ctx context.Context, hash string, now time.Time) (PushedRequest, error)
}

// RevokedTokens keeps the ids of access tokens that were revoked one by one.
type RevokedTokens interface {
	// RevokeToken remembers a jti until the token would have expired anyway.
	RevokeToken(ctx context.Context, jti string, expires time.Time) error
	TokenRevoked(ctx context.Context, jti string) (bool, error)
}

// Flows are all roles that keep what people do, and which tokens were revoked.
type Flows interface {
	Codes
	Families
	Sessions
	Consents
	Holders
	Attempts
	PushedRequests
	RevokedTokens
}

// Sweeper removes what has expired.
type Sweeper interface {
	// Sweep removes records of every kind that expired before now, at most a
	// thousand, and says how many. A used code stays for a day, so that its second
	// use is recognised; so does a family that expired or was revoked, until its
	// last access token has expired: no access token may live longer than that.
	// Consents and withdrawals go when their client is not there.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
