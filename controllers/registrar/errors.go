package registrar

import (
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// The ways in which a server fails to answer at all.
var (
	// ErrUnreachable: no connection, a timeout, a TLS failure.
	ErrUnreachable = errors.New("the server cannot be reached")
	// ErrGarbage: the answer is not one of this protocol.
	ErrGarbage = errors.New("the server's answer is not one of this protocol")
	// ErrInsecure: the server would have to be reached without TLS at an address
	// that is not loopback.
	ErrInsecure = errors.New("not an https URL, nor http on loopback")
	// ErrMetadata: the server's metadata (RFC 8414) lacks something.
	ErrMetadata = errors.New("the server's metadata is incomplete")
	// ErrIssuer: the metadata names another issuer (RFC 8414, Section 3.3).
	ErrIssuer = errors.New("the server's metadata names another issuer")
	// ErrToken: the API server gave no token for the registrar's audience.
	ErrToken = errors.New("no token for the registrar's audience")
	// ErrNotSynced: the inventory has not been read yet.
	ErrNotSynced = errors.New("the server's inventory has not been read yet")
)

// StatusError is an answer with a status that is not a success.
type StatusError struct {
	// Status is the HTTP status.
	Status int
	// Code and Description are the server's (RFC 7591, Section 3.2.2), shortened;
	// empty if the body was none of this protocol.
	Code        oauth.Code
	Description string
	// RetryAfter is what the server asked for (RFC 9110, Section 10.2.3); zero:
	// nothing. At most an hour.
	RetryAfter time.Duration
	// Counter, beside stale_counter, is the one that the server has.
	Counter int64
}

// Error names status, code and description.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d", e.Status)
	if e.Code != "" {
		text += " " + string(e.Code)
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// CodeOf returns the code of the StatusError in err's chain, or "".
func CodeOf(err error) oauth.Code {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Code
	}
	return ""
}
