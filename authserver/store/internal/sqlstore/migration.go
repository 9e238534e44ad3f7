package sqlstore

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Migration is one step of a SQL store's schema: the first leads to version 1.
type Migration struct{ Name, SQL string }

// Migrations reads the steps from the files migrations/<version>_<what>.sql, in
// order. It refuses a gap.
func Migrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []Migration
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, Migration{Name: name, SQL: string(text)})
	}
	return all, nil
}

// MissingMigrations are the steps that a schema of some version lacks. It refuses
// a schema that a newer program made.
func MissingMigrations(all []Migration, version int) ([]Migration, error) {
	if version > len(all) {
		return nil, fmt.Errorf("the database has schema version %d and this program knows up to %d: it was last used by a newer clientele; "+
			"run that version, or restore a backup from before the upgrade", version, len(all))
	}
	return all[version:], nil
}
