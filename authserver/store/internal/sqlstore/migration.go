package sqlstore

import (
	"errors"
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
type Migration struct {
	Name, SQL string
	// ReadableFrom is the oldest schema version whose programs can still read and write
	// a store with this step.
	ReadableFrom int
}

// Schema is what a store says of its schema. The zero value: it has none.
type Schema struct {
	// Version that its steps lead to.
	Version int
	// ReadableFrom is the greatest of the steps'. A program that knows this version
	// works with the store, also where Version is higher than it knows. So release N+1
	// starts beside release N, and N after it: N expands, and what N no longer needs is
	// contracted by a step of N+1 that is readable from N's version.
	ReadableFrom int
}

// headline is how the first line of each step but 0001 begins. The number of a step
// follows.
const headline = "-- readable_from: "

// Migrations reads the steps from the files migrations/<number>_<what>.sql, in
// order. It refuses a gap, and a step that does not say from which one on programs can
// read it.
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
		m := Migration{Name: name, SQL: string(text), ReadableFrom: olderVersions + 1}
		if i > 0 {
			if m.ReadableFrom, err = readableFrom(m.SQL, i+1); err != nil {
				return nil, fmt.Errorf("migration %s: %w", name, err)
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// readableFrom is the schema version that the first line of step number says.
func readableFrom(text string, number int) (int, error) {
	line, _, _ := strings.Cut(text, "\n")
	said, ok := strings.CutPrefix(line, headline)
	from, err := strconv.Atoi(said)
	if !ok || err != nil || from < 1 || from > number {
		return 0, fmt.Errorf("want the first line %q and the number of a step up to %04d", headline, number)
	}
	return olderVersions + from, nil
}

// Version of a schema with all steps.
func Version(all []Migration) int { return olderVersions + len(all) }

// Migrate carries out the steps that a schema lacks, and returns the schema afterwards:
// is, if it lacks none. It refuses a schema from before step 0001 (store.ErrOutdated), and
// one that only newer programs can use (store.ErrTooNew).
func Migrate(all []Migration, is Schema, exec func(sql string) error) (Schema, error) {
	switch {
	case is.ReadableFrom > 0 && is.ReadableFrom <= olderVersions:
		return is, store.ErrOutdated
	case is.ReadableFrom > Version(all):
		return is, fmt.Errorf("%w: this program knows schema version %d, and the database wants %d; "+
			"run the newer version again, or restore a backup from before the upgrade", store.ErrTooNew, Version(all), is.ReadableFrom)
	case is.Version < is.ReadableFrom:
		return is, errors.New("the database contradicts itself about its schema version: restore a backup")
	case is.Version >= Version(all):
		return is, nil
	}
	for _, m := range all[max(is.Version-olderVersions, 0):] {
		if err := exec(m.SQL); err != nil {
			return is, fmt.Errorf("migration %s: %w", m.Name, err)
		}
		is.ReadableFrom = max(is.ReadableFrom, m.ReadableFrom)
	}
	is.Version = Version(all)
	return is, nil
}
