package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock waits until this process alone may write to the cache. The kernel drops
// a flock with its process, so a killed build leaves no stale lock behind.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the build lock: %w", err)
	}
	told := false
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = f.Close()
			return nil, fmt.Errorf("take the build lock %s: %w", path, err)
		}
		if !told {
			fmt.Println("controlplane: another build is running, waiting for it to finish")
			told = true
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, errors.New("interrupted while waiting for the other build")
		case <-time.After(500 * time.Millisecond):
		}
	}
}
