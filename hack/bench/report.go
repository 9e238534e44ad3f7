package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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
	begin   hostTime
	stolen  float64 // share of the CPU time that was wanted while it was measured
}

func (r *report) section(title string) {
	r.end()
	r.sections = append(r.sections, section{title: title, begin: hostTimeNow()})
	fmt.Fprintf(r.out, "\n%s\n", title)
}

// end the section that is being measured, if there is one.
func (r *report) end() {
	if len(r.sections) > 0 {
		last := &r.sections[len(r.sections)-1]
		last.stolen = hostTimeNow().stolenSince(last.begin)
	}
}

func (r *report) add(f figure) {
	last := &r.sections[len(r.sections)-1]
	last.figures = append(last.figures, f)
	fmt.Fprintf(r.out, "  %-62s %12s   goal %-18s %s\n", f.name, f.value, orDash(f.goal), f.note)
}

// write puts the report where the README quotes it from. Sections that are there
// and were not measured now stay, each with its own date.
func (r *report) write(path, machine string, when time.Time) error {
	r.end()
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := splitSections(string(old))
	for _, s := range r.sections {
		text = putSection(text, s.title, s.text(machine, when))
	}
	var b strings.Builder
	b.WriteString(heading)
	for _, s := range text {
		b.WriteString("\n" + s.body)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

const heading = "# What `make bench` measured\n\n" +
	"The machine is shared and noisy: read ratios, not single times. Where a range is given, a figure is the median of rounds in which it and its ceilings took turns.\n"

// text of a section, as Markdown.
func (s section) text(machine string, when time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s, %s; of the CPU time that was wanted the host gave %s to others.\n\n| figure | measured | goal | |\n| --- | ---: | --- | --- |\n", s.title, when.UTC().Format(time.DateOnly), machine, percent(s.stolen))
	for _, f := range s.figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.name, f.value, orDash(f.goal), f.note)
	}
	return b.String()
}

// written is a section of the file; body begins with its heading.
type written struct{ title, body string }

func splitSections(text string) []written {
	var all []written
	for i, body := range strings.Split("\n"+text, "\n## ") {
		if i == 0 {
			continue // what stands above
		}
		title, _, _ := strings.Cut(body, "\n")
		all = append(all, written{title, "## " + strings.TrimRight(body, "\n") + "\n"})
	}
	return all
}

// putSection replaces the section with a title, or adds it.
func putSection(all []written, title, body string) []written {
	i := slices.IndexFunc(all, func(w written) bool { return w.title == title })
	if i < 0 {
		return append(all, written{title, body})
	}
	all[i].body = body
	return all
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
