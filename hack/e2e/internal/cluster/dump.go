package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// artifacts is the folder for what a failed scenario leaves to read.
func artifacts() string {
	if dir := os.Getenv("ARTIFACTS"); dir != "" {
		return dir
	}
	return "artifacts"
}

// DumpIfFailed writes, at the end of a scenario that failed, what the cluster looks
// like: all to a file, and what says most to the test's log.
func (c *Cluster) DumpIfFailed(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			c.dump(t)
		}
	})
}

func (c *Cluster) dump(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kubectl := func(args ...string) string {
		out, err := c.Run(ctx, "", "kubectl", append(args, "--request-timeout=10s")...)
		if err != nil {
			out += err.Error() + "\n"
		}
		return out
	}
	pods := kubectl("get", "pods", "-A", "-o", "wide")
	events := kubectl("get", "events", "-A", "--sort-by=.lastTimestamp")
	ours := kubectl("get", "clientele", "-A", "-o", "wide")

	var all strings.Builder
	for _, s := range [][2]string{
		{"pods", pods}, {"objects of ours", ours}, {"events", events},
		{"workloads", kubectl("get", "deployments,statefulsets,services,endpointslices,poddisruptionbudgets,jobs,pvc,pv", "-A", "-o", "wide")},
		{"objects of ours, in full", kubectl("get", "clientele", "-A", "-o", "yaml")},
		{"pods, described", kubectl("describe", "pods", "-A")},
	} {
		fmt.Fprintf(&all, "=== %s\n%s\n", s[0], s[1])
	}
	var operator string
	for line := range strings.Lines(kubectl("get", "pods", "-A", "--no-headers", "-o", "custom-columns=ns:.metadata.namespace,name:.metadata.name")) {
		f := strings.Fields(line)
		if len(f) != 2 || f[0] == "kube-system" {
			continue
		}
		log := kubectl("logs", "-n", f[0], f[1], "--all-containers", "--prefix", "--tail=2000")
		fmt.Fprintf(&all, "=== log of %s/%s\n%s\n=== and before its restart\n%s\n", f[0], f[1], log,
			kubectl("logs", "-n", f[0], f[1], "--all-containers", "--previous", "--tail=200"))
		if strings.Contains(f[1], "operator") {
			operator += tail(grep(log, `"WARN"`, `"ERROR"`), 8)
		}
	}
	path := filepath.Join(artifacts(), strings.ReplaceAll(t.Name(), "/", "_")+".txt")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Log(err)
	}
	if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
		t.Log(err)
	}
	t.Logf("the cluster at the end of this scenario; more is in %s\n%s\n%s\n%s\n%s", path, pods, ours, tail(grep(events, "Warning"), 12), operator)
}

// grep is the lines of a text that hold one of some words.
func grep(text string, words ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	return strings.Join(all[max(0, len(all)-lines-1):], "")
}
