package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// figure is one measured number beside what it is held against.
type figure struct {
	name, value, goal, note string
}

// report collects figures and prints each as soon as it is there, for a long run
// with nothing to read is a run that is interrupted.
type report struct {
	out      io.Writer
	sections []section
}

type section struct {
	title   string
	figures []figure
}

func (r *report) section(title string) {
	r.sections = append(r.sections, section{title: title})
	fmt.Fprintf(r.out, "\n%s\n", title)
}

func (r *report) add(f figure) {
	last := &r.sections[len(r.sections)-1]
	last.figures = append(last.figures, f)
	fmt.Fprintf(r.out, "  %-58s %16s   goal %-18s %s\n", f.name, f.value, orDash(f.goal), f.note)
}

// write puts the report where the README quotes it from.
func (r *report) write(path, machine string, when time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# What `make bench` measured\n\n%s, %s. The machine is shared and noisy: read ratios, not single times.\n", when.UTC().Format("2006-01-02"), machine)
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n## %s\n\n| figure | measured | goal | |\n| --- | ---: | --- | --- |\n", s.title)
		for _, f := range s.figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.name, f.value, orDash(f.goal), f.note)
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
