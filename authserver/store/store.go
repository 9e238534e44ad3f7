// Package store says what the authorization server keeps, as small role
// interfaces. The sub-packages sqlite and postgres keep it; storetest is
// the contract that each of them is held to.
//
// Every write of a client or policy moves the store's revision on, also one made
// by hand in the database: the schema's triggers do it, so that a change behind
// everybody's back is noticed.
//
// # What the database is trusted with
//
// Who can only read it (a backup, a replica) gets nothing to present: what opens
// something lies there as a hash of 256 random bits, and what refresh tokens are
// made with is not there at all. It learns who uses what: names, addresses, scopes.
//
// Who can write to it, and has no server keys, is held off record by record.
//
//   - The rows of clients, policies, sessions, codes, families and consents carry a MAC
//     (RFC 2104, HMAC-SHA-256) under the server keys (Signing). A row that was edited,
//     planted or copied does not verify, and is as if it did not exist; the log says so.
//   - A client or policy that was deleted, or put back from a backup, is noticed by its
//     registrar.
//   - When a session was used last, that a family was revoked, and that a code was
//     taken stand beside the record, and are believed. So is how often somebody was
//     signed out (SignOut), which records have to carry as well: another number there
//     ends what they have. Only who puts back the one of before, and what was ended,
//     undoes it.
//   - Pushed requests, counted attempts and revoked tokens are believed. Every check
//     of a pushed request is made when it is used. So are withdrawals: a planted one
//     only has people asked once more.
//   - What is only counted or searched for (Holdings, PeopleNamed) is not verified
//     either: it informs operators, and decides nothing.
//
// So nobody can be signed in, and no app be let in, by whoever may only write there.
// They can put back an old row, and undo the end of one: a session that was signed
// out, a family that was revoked, a consent that was withdrawn. For that one has to
// have the cookie or the token, or be the app, as well. Nobody else keeps a copy of what people did,
// so that no MAC keeps them from it: the right to write is the server's alone.
// SQLite's file has mode 0600, PostgreSQL wants a role, or a database, of its own.
package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// The sentinel errors of every store. Anything else is a failure of the store,
// never an answer.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrClientIDTaken: the client id belongs to another owner.
	ErrClientIDTaken = errors.New("client id belongs to another owner")
	// ErrOwnerMismatch: the record belongs to another owner or incarnation.
	ErrOwnerMismatch = errors.New("owner or its uid does not match")
	// ErrStale: the request's counter or generation is lower than the record's.
	ErrStale = errors.New("counter or generation is lower than the stored one")
	// ErrNotBound: Bind was not called, or somebody emptied the store since.
	ErrNotBound = errors.New("the store is not bound to server keys")
)

// Client is a stored client.
type Client struct {
	// Registration as the registrar sent it: Owner.Cluster filled in, Adopt,
	// SecretHashes and RegistrationTokenHash empty (what is kept of the hashes
	// stands in Secrets and RegistrationToken).
	Registration oauth.Registration
	// Secrets are the keyed hashes (credential.ServerKeys.Seal) of the valid
	// client secrets, in the order in which the registrar sent them.
	Secrets []string
	// RegistrationToken is the keyed hash of the registration access token.
	RegistrationToken string
	// Self is what is known of a client that registered itself; nil for one that
	// belongs to a registrar.
	Self *Self
	// Created is when the client id was first registered; whole seconds, UTC.
	Created time.Time
	// NotBefore ends what was issued earlier: tokens issued before it are
	// revoked. Whole seconds, UTC; zero: nothing is.
	NotBefore time.Time
	// Digest is oauth.Registration.Digest of what the registrar sent last.
	Digest string
	// Tampered says that the row is not as this server wrote it: it must not be used.
	// Only the client id and the owner, without its uid, are filled in, as the row has
	// them. Set by the store.
	Tampered bool
	// Revision of the store at the last write of this record. Set by the store.
	Revision int64
}

// Self is what a store keeps of a client that registered itself (RFC 7591 by
// anybody but a registrar), beside what it keeps of every client.
type Self struct {
	// Used is when a token was last issued to the client, give or take a day;
	// zero: never. Whole seconds, UTC.
	Used time.Time
	// By is the user name of who registered it (RBAC verb register); empty:
	// anybody.
	By string
}

// Policy is a stored scope policy.
type Policy struct {
	policy.Policy
	// Tampered as in Client; the UID and the cluster are filled in.
	Tampered bool
	// Revision of the store at the last write of this record. Set by the store.
	Revision int64
}

// ExistingClients is what a decision about a client starts from.
type ExistingClients struct {
	// ByOwner is the client of the owner's cluster, namespace and name, whatever
	// its uid; nil if there is none.
	ByOwner *Client
	// ByID is the client with the client id; nil if there is none.
	ByID *Client
}

// ClientChange is what a decision about a client ends in. The zero value changes
// nothing.
type ClientChange struct {
	// Delete is the client id of a record to remove first; empty: none.
	Delete string
	// Put is the record to insert, or to replace the one of the same client id.
	Put *Client
	// EndConsents ends what people allowed Put's client id so far. Delete does it
	// for its client id in any case.
	EndConsents bool
	// EndGrants does that, and ends the codes, refresh token families and
	// withdrawals of the client id: another incarnation has it now. Delete does it in
	// any case.
	EndGrants bool
}

// Clients keeps clients.
type Clients interface {
	// Client reads one by its id: ErrNotFound if there is none, or its row is tampered.
	Client(ctx context.Context, clientID string) (Client, error)
	// ChangeClient lets decide see what exists of an owner and a client id, and
	// carries out what it returns, all in one transaction that excludes every
	// other writer of the same. An error of decide is returned as it is and
	// nothing is changed. decide may run more than once. It returns the store's
	// revision afterwards. A change that ends something outlives a power loss.
	ChangeClient(ctx context.Context, owner oauth.Owner, clientID string, decide func(ExistingClients) (ClientChange, error)) (int64, error)
}

// PolicyChange is what a decision about a policy ends in. The zero value changes
// nothing.
type PolicyChange struct {
	Delete bool
	Put    *Policy
}

// Policies keeps scope policies.
type Policies interface {
	// ChangePolicy is ChangeClient for the policy with a uid; existing is nil if
	// there is none.
	ChangePolicy(ctx context.Context, uid string, decide func(existing *Policy) (PolicyChange, error)) (int64, error)
}

// Changes is what happened in a store since a revision.
type Changes struct {
	// StoreID identifies the store's content; a wiped store gets another one.
	StoreID string
	// Revision these changes lead to.
	Revision int64
	// Complete says that a registrar has registered everything that belongs to this
	// store (Completion).
	Complete bool
	// Full says that this is all there is rather than what changed: the changes
	// since the revision asked for are not known (any more).
	Full            bool
	Clients         []Client
	DeletedClients  []string // client ids
	Policies        []Policy
	DeletedPolicies []string // uids
}

// Feed tells of changes.
type Feed interface {
	// Changes since a revision of the store with an id. Another store id, a
	// revision of the future and 0 give everything (Full). So does a revision of
	// before the store may have lost something: what was committed then may be gone,
	// and a store never gives out a revision twice, so that this is noticed. (SQLite
	// may lose its tail whenever it is opened; PostgreSQL when another server takes
	// over.)
	Changes(ctx context.Context, storeID string, since int64) (Changes, error)
	// Await returns when the revision is probably no longer since, or after a
	// while. It returns the context's error if that ends first.
	Await(ctx context.Context, since int64) error
}

// Leases keeps one lease per running replica.
type Leases interface {
	// RenewLease writes the lease of r.ID.
	RenewLease(ctx context.Context, r oauth.Replica) error
	// DropLease removes it, at an orderly end.
	DropLease(ctx context.Context, id string) error
	// Replicas lists those whose lease has not expired at now.
	Replicas(ctx context.Context, now time.Time) ([]oauth.Replica, error)
}

// Binding ties a store to the server keys its hashes were made with.
type Binding interface {
	// Bind empties the store and gives it a new id if it was bound to other
	// server keys (their loss is the store's loss), binds it to these, and
	// returns the store's id. wiped says that there was something to lose. Leases,
	// counted attempts and revoked tokens stay.
	Bind(ctx context.Context, serverKeysID string) (storeID string, wiped bool, err error)
}

// Completion keeps whether a store holds everything that a registrar has to register. A
// store that begins empty does not: until it is complete, a client id that is not found
// may be one that is still to be registered again (FIELD O20).
type Completion interface {
	// MarkComplete marks the store with an id as complete, which moves the revision on.
	// The error is ErrNotFound if the store is another one by now.
	MarkComplete(ctx context.Context, storeID string) error
}

// Signer authenticates rows: credential.ServerKeys is one.
type Signer interface {
	// MAC of data under the newest key; "" if there is no key. A MAC for one domain
	// never verifies for another.
	MAC(domain string, data []byte) string
	VerifyMAC(mac, domain string, data []byte) bool
	// Ahead says that a MAC names a newer key than there is: another replica may have
	// it already.
	Ahead(mac string) bool
}

// Signing gives a store the keys that its rows are authenticated with.
type Signing interface {
	// SignWith sets the keys in force, which may change or be nil for now, and the log
	// of rows that do not verify. Call it before the store is used. Without keys,
	// reading and writing such rows is an outage (oauth.TemporarilyUnavailable). So is
	// reading a row under a newer key than there is.
	SignWith(keys func() Signer, log *slog.Logger)
}

// Store is all roles together; take the narrowest role instead where one will do.
type Store interface {
	Clients
	Policies
	Feed
	Leases
	Binding
	Completion
	Signing
	Flows
	Sweeper
	Storage
	// Writes counts the write transactions since the store was opened: the proof
	// that issuing a machine token makes none.
	Writes() int64
	Close() error
}
