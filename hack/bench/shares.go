package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shares is who has used the processors so far: this process and its children by
// name, and the whole machine.
type shares struct {
	at      time.Time
	byName  map[string]time.Duration
	machine time.Duration
}

func sharesNow() (s shares, err error) {
	s = shares{at: time.Now(), byName: map[string]time.Duration{}}
	if s.byName["bench"], err = cpuTime(os.Getpid()); err != nil {
		return s, err
	}
	children, err := childrenOf(os.Getpid())
	if err != nil {
		return s, err
	}
	for _, pid := range children {
		used, err := cpuTime(pid)
		if err != nil {
			continue // it has ended meanwhile
		}
		name, err := nameOf(pid)
		if err != nil {
			continue
		}
		s.byName[name] += used
	}
	s.machine, err = machineCPUTime()
	return s, err
}

// childrenOf a process that live (proc_pid_task(5)).
func childrenOf(pid int) ([]int, error) {
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		return nil, err
	}
	var all []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended meanwhile
		}
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				return nil, err
			}
			all = append(all, child)
		}
	}
	return all, nil
}

// nameOf a process: its program and, of the product's, the subcommand.
func nameOf(pid int) (string, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "", err
	}
	words := strings.Split(string(line), "\x00")
	name := filepath.Base(words[0])
	if name == "clientele" && len(words) > 1 {
		name = words[1]
	}
	return name, nil
}

// machineCPUTime is what all processors have worked so far, for anybody: /proc/stat
// without idle and iowait.
func machineCPUTime() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat has an unknown form")
	}
	var ticks int64
	for i, field := range fields[1:9] { // user, nice, system, idle, iowait, irq, softirq, steal
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// since says who used the processors since an earlier moment, each for one of n:
// in all, and in words.
func (s shares) since(before shares, n int) (ours time.Duration, words string) {
	type used struct {
		name string
		cpu  time.Duration
	}
	var all []used
	for name, cpu := range s.byName {
		all = append(all, used{name, cpu - before.byName[name]})
		ours += cpu - before.byName[name]
	}
	slices.SortFunc(all, func(a, b used) int { return cmp.Compare(b.cpu, a.cpu) })
	var list []string
	for _, u := range all {
		list = append(list, u.name+" "+round(u.cpu/time.Duration(n)).String())
	}
	elapsed := s.at.Sub(before.at)
	busy := func(d time.Duration) float64 { return float64(d) / float64(elapsed) }
	words = fmt.Sprintf("%s; these kept %.1f of %d cores busy, the rest of the machine %.1f",
		strings.Join(list, ", "), busy(ours), runtime.NumCPU(), busy(s.machine-before.machine-ours))
	return ours / time.Duration(n), words
}
