package child

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func ignoreTerm() { signal.Ignore(syscall.SIGTERM) }

// parent starts a child, prints its process id and never ends by itself.
func parent() {
	p, err := Start(Spec{Name: "sleeper", Path: os.Args[0], Env: []string{"CHILD_TEST_ROLE=sleeper"}, Log: os.Getenv("CHILD_TEST_LOG")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	time.Sleep(time.Hour)
}
