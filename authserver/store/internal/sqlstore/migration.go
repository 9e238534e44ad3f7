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

// Migrate carries out the steps that a schema of some version lacks, and says
// whether there were any. It refuses a schema that a newer program made.
func Migrate(all []Migration, version int, exec func(sql string) error) (bool, error) {
	if version > len(all) {
		return false, fmt.Errorf("the database has schema version %d and this program knows up to %d: it was last used by a newer clientele; "+
			"run that version, or restore a backup from before the upgrade", version, len(all))
	}
	for _, m := range all[version:] {
		if err := exec(m.SQL); err != nil {
			return false, fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	return version < len(all), nil
}
