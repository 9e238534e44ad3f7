package main

import (
	"os"
	"strconv"
	"strings"
)

// hostTime is what all processes together wanted of the machine since it started, and
// what of that its host gave to others (proc(5), /proc/stat, steal), in ticks.
type hostTime struct{ wanted, stolen float64 }

// hostTimeNow is zero where the kernel does not tell.
func hostTimeNow() hostTime {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return hostTime{}
	}
	return hostTimeOf(string(text))
}

func hostTimeOf(stat string) (t hostTime) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 9 {
		return hostTime{}
	}
	for i, field := range fields[1:9] {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return hostTime{}
		}
		const idle, iowait, steal = 3, 4, 7
		switch i {
		case idle, iowait:
			continue
		case steal:
			t.stolen = n
		}
		t.wanted += n
	}
	return t
}

// stolenSince is the share that was stolen since then.
func (t hostTime) stolenSince(then hostTime) float64 {
	if t.wanted <= then.wanted {
		return 0
	}
	return (t.stolen - then.stolen) / (t.wanted - then.wanted)
}
