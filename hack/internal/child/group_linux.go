package child

import "syscall"

// ownGroup puts the child into a process group of its own and has the kernel
// kill it when its parent is gone, so that not even a kill -9 of the parent
// leaves it behind. (The signal follows the parent's thread; the Go runtime
// ends a thread only when a goroutine locked to it ends, and none is here.)
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
