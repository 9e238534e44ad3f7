//go:build !linux

package sqlite

// spaceOf a filesystem is not known here.
func spaceOf(string) (space, bool) { return space{}, false }
