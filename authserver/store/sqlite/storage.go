package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite" // also the driver "sqlite"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// Result codes of SQLite, the lower eight bits.
const (
	codePermission = 3
	codeBusy       = 5
	codeLocked     = 6
	codeMemory     = 7
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCannotOpen = 14
	codeProtocol   = 15
	codeAuth       = 23
	codeNoDatabase = 26
)

// space of a filesystem, in bytes.
type space struct{ free, total uint64 }

// A filesystem is almost full below a tenth of it, or below littleSpace on a large one. It
// is full below noSpace: some writes still succeed then, and others do not.
const littleSpace, noSpace = 1 << 30, 1 << 20

func (s space) threshold() uint64 { return min(s.total/10, littleSpace) }

// judge says what an error means for the storage.
func (d *database) judge(err error) oauth.StorageState {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return oauth.StorageFull
	}
	coded, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch coded.Code() & 0xff {
	case codeFull:
		return oauth.StorageFull
	case codeIO, codeCannotOpen:
		// A file beside the database could not be made or grow.
		if s, known := d.space(d.dir()); known && s.free == 0 {
			return oauth.StorageFull
		}
		return oauth.StorageUnreachable
	case codeBusy, codeLocked, codeMemory, codeProtocol:
		return oauth.StorageUnreachable
	case codePermission, codeReadOnly, codeCorrupt, codeAuth, codeNoDatabase:
		return oauth.StorageRefused
	}
	return ""
}

func (d *database) dir() string { return filepath.Dir(d.path) }

// explain an error that judge knows.
func (d *database) explain(state oauth.StorageState, err error) string {
	if state == oauth.StorageFull {
		return d.full()
	}
	return fmt.Sprintf("the database %s: %v", d.path, err)
}

func (d *database) full() string {
	return fmt.Sprintf("the disk of the database %s is full: enlarge the volume, or remove what else is on it. Until then nothing can be changed; machine tokens can be had", d.path)
}

// unusable is the error of Open.
func (d *database) unusable(err error) error {
	state := d.judge(err)
	if state == oauth.StorageFull {
		err = fmt.Errorf("%w; the disk is full: enlarge the volume, or remove what else is on it", err)
	}
	return store.Unusable(state, err)
}

// Examine implements store.Storage.
func (s *Store) Examine(ctx context.Context) oauth.StorageReport {
	if s.db.condition.Failing() != nil {
		s.db.probe(ctx)
	}
	if failing := s.db.condition.Failing(); failing != nil {
		return *failing
	}
	dir := s.db.dir()
	switch now, known := s.db.space(dir); {
	case known && now.free < noSpace:
		return oauth.StorageReport{State: oauth.StorageFull, Message: s.db.full()}
	case known && now.free < now.threshold():
		return oauth.StorageReport{State: oauth.StorageAlmostFull, Message: fmt.Sprintf(
			"less than %d MiB of %d MiB are free on the disk of %s: enlarge the volume, or remove what else is on it, before the server can change nothing any more",
			now.threshold()>>20, now.total>>20, dir)}
	}
	return oauth.StorageReport{State: oauth.StorageAvailable}
}

// probe whether the file can be written again. Nothing in it changes.
func (d *database) probe(ctx context.Context) {
	_, err := d.write.ExecContext(ctx, `UPDATE clientele_schema SET applied = applied`)
	_ = d.condition.After(sqlstore.Wrote, err) // it is kept there
}
