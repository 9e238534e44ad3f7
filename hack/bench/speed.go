package main

import (
	"fmt"
	"syscall"
	"time"
)

// speed of something that is done again and again.
type speed struct {
	perSecond float64
	// cpu time for one, of the process that does it. Unlike perSecond it does not
	// suffer from what else the machine is doing.
	cpu time.Duration
}

// meter measures the speed of this process.
type meter struct {
	begin time.Time
	cpu   time.Duration
}

func newMeter() (meter, error) {
	cpu, err := ownCPUTime()
	return meter{time.Now(), cpu}, err
}

// stop after n and print the speed, for number to read.
func (m meter) stop(n int) error {
	elapsed := time.Since(m.begin)
	cpu, err := ownCPUTime()
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("nothing was done within %s", elapsed)
	}
	_, err = fmt.Println(float64(n)/elapsed.Seconds(), int64(cpu-m.cpu)/int64(n))
	return err
}

// ownCPUTime is the user and system time of this process.
func ownCPUTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, err
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}
