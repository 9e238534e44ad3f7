//go:build !unix

package sqlite

// lock does nothing here: SQLite's own locks keep writers apart.
func lock(string) (unlock func() error, err error) { return func() error { return nil }, nil }
