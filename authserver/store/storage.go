package store

import (
	"context"
	"errors"

	"clientele.dev/clientele/authserver/oauth"
)

// Storage is what a store is kept in.
type Storage interface {
	// Examine says how it goes with the storage, as what was asked of it lately shows. It
	// tries again what failed, if nothing else does. It is called every few seconds.
	Examine(ctx context.Context) oauth.StorageReport
}

// StorageError is a failure of the storage itself, whatever was asked of it.
type StorageError struct {
	State oauth.StorageState
	Cause error
}

// Report is the error for registrars and for people.
func (e *StorageError) Report() oauth.StorageReport {
	return oauth.StorageReport{State: e.State, Message: e.Error()}
}

// Error implements error. It holds no secret.
func (e *StorageError) Error() string { return e.Cause.Error() }

// Unwrap is for errors.As and errors.Is.
func (e *StorageError) Unwrap() error { return e.Cause }

// Unusable makes the error of opening a store a StorageError, if it is none: with a
// state that it is known to mean, and otherwise as one that refuses the store.
func Unusable(state oauth.StorageState, err error) error {
	if _, ok := errors.AsType[*StorageError](err); ok {
		return err
	}
	switch {
	case errors.Is(err, ErrTooNew):
		state = oauth.StorageSchemaTooNew
	case state == "":
		state = oauth.StorageRefused
	}
	return &StorageError{State: state, Cause: err}
}
