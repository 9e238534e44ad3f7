package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// elsewhereError: a connection leads to another store than was opened.
type elsewhereError struct{ error }

// judge says what an error means for the storage.
func judge(err error) oauth.StorageState {
	if _, elsewhere := errors.AsType[elsewhereError](err); elsewhere || untrusted(err) || refusedTLS(err) {
		return oauth.StorageRefused
	}
	code := state(err)
	switch class := code[:min(len(code), 2)]; {
	case code == diskFull:
		return oauth.StorageFull
	case class == "28", code == invalidCatalog, code == insufficientPrivilege:
		return oauth.StorageRefused
	case class == "08", class == "53", class == "58", strings.HasPrefix(code, "57P"), code == readOnly:
		return oauth.StorageUnreachable
	case code != "": // the statement's own fault
		return ""
	case lost(err):
		return oauth.StorageUnreachable
	}
	return ""
}

// lost says that a connection could not be made, or broke, or that no answer came in time.
func lost(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[*net.OpError](err)
	return connecting || network || pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// explain an error that judge knows.
func (s *Store) explain(state oauth.StorageState, err error) string {
	config := s.target.now()
	text := fmt.Sprintf("the database at %s: %v", where(config), advised(withoutPassword(err, config), config))
	if state == oauth.StorageFull {
		text += ". Its disk is full: enlarge it. Until then nothing can be changed"
	}
	return text
}

// unusable is the error of Open. Whatever is not known to be something else is a reason
// not to use the database.
func unusable(err error) error { return store.Unusable(judge(err), err) }

// Examine implements store.Storage. The lease, which is renewed all the time, shows
// whether the database can be written.
func (s *Store) Examine(context.Context) oauth.StorageReport {
	elsewhere, unfit := s.target.look()
	report := oauth.StorageReport{State: oauth.StorageAvailable}
	switch failing := s.db.condition.Failing(); {
	case failing != nil:
		report = *failing
	case elsewhere:
		report.State = oauth.StorageRestartNeeded
	case unfit != nil:
		report.State = oauth.StorageRefused
	}
	if unfit == nil {
		return report
	}
	said := fmt.Sprintf("the connection string cannot be used as it is now, and the one before stays in force: %v", unfit)
	if report.Message != "" {
		said = report.Message + "; " + said
	}
	report.Message = said
	return report
}
