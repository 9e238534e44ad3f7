package pgtest

import "syscall"

// attributes: the server is in a group of its own, and the kernel ends it (an
// immediate shutdown) when this process dies.
func attributes(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}
