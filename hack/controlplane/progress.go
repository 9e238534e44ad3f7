package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"
)

const (
	// progressEvery is how long a person waits for a sign of life.
	progressEvery = 15 * time.Second
	// tailBytes bounds what a failed build shows of the compiler's output.
	tailBytes = 4000
)

// packageLog takes what go build -v writes: one line per compiled package, and
// the compiler's messages. It counts the lines and keeps the last of them.
type packageLog struct {
	mu    sync.Mutex
	lines int
	last  []byte
}

// Write never fails.
func (l *packageLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines += bytes.Count(p, []byte("\n"))
	l.last = append(l.last, p...)
	if extra := len(l.last) - tailBytes; extra > 0 {
		l.last = l.last[extra:]
	}
	return len(p), nil
}

func (l *packageLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

func (l *packageLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.last)
}

func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}
