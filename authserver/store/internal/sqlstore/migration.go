package sqlstore

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"clientele.dev/clientele/authserver/store"
)

// olderVersions are the schema versions of stores from before step 0001.
const olderVersions = 100

// Migration is one step of a SQL store's schema. Step n leads to version
// olderVersions + n.
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

// Version of a schema with all steps.
func Version(all []Migration) int { return olderVersions + len(all) }

// Migrate carries out the steps that a schema of some version lacks (0: there is no
// schema), and says whether there were any. It refuses a schema from before step 0001
// (store.ErrOutdated), and one of a newer program.
func Migrate(all []Migration, version int, exec func(sql string) error) (bool, error) {
	switch {
	case version > 0 && version <= olderVersions:
		return false, store.ErrOutdated
	case version > Version(all):
		return false, fmt.Errorf("the database has schema version %d and this program knows up to %d: it was last used by a newer clientele; "+
			"run that version, or restore a backup from before the upgrade", version, Version(all))
	}
	for _, m := range all[max(version-olderVersions, 0):] {
		if err := exec(m.SQL); err != nil {
			return false, fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	return version < Version(all), nil
}
