package sqlite

import "syscall"

// spaceOf the filesystem that a directory is on, as far as this process may use it. It is
// not known of one without a limit.
func spaceOf(dir string) (space, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return space{}, false
	}
	size := uint64(s.Bsize) //nolint:gosec // never negative
	return space{free: s.Bavail * size, total: s.Blocks * size}, true
}
