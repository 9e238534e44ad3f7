package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDescribeTakesTheDateFromSourceDateEpoch(t *testing.T) {
	dir := tree(t)
	for _, c := range []struct {
		epoch, want, err string
	}{
		{epoch: "1772600767", want: "2026-03-04T05:06:07Z"},
		{epoch: "yesterday", err: "want seconds since 1970"},
	} {
		o := options{dir: dir}
		err := o.describe(t.Context(), c.epoch)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("SOURCE_DATE_EPOCH=%s: %v, want %q", c.epoch, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := o.created.Format(time.RFC3339); got != c.want {
			t.Errorf("SOURCE_DATE_EPOCH=%s: %s, want %s", c.epoch, got, c.want)
		}
	}
}

func TestDescribeReadsTheCommit(t *testing.T) {
	dir := tree(t)
	o := options{dir: dir}
	if err := o.describe(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "set SOURCE_DATE_EPOCH") {
		t.Errorf("without git and SOURCE_DATE_EPOCH: %v", err)
	}
	commit := commitAll(t, dir)
	o = options{dir: dir}
	if err := o.describe(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if !o.created.Equal(created) || o.revision != commit || o.tag != "3.2.1" {
		t.Errorf("created %v, revision %s, tag %s; want %v, %s, 3.2.1", o.created, o.revision, o.tag, created, commit)
	}
}

// tree is a folder with what versions are read from, and no git.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "hack/version.sh"), string(read(t, "../version.sh")), 0o755)
	write(t, filepath.Join(dir, "charts/clientele/Chart.yaml"), "name: clientele\nversion: 9.9.9\nappVersion: \"3.2.1\" # why\n", 0o644)
	return dir
}

// git runs in dir, at a fixed time.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "git",
		append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	at := created.Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commitAll commits everything, and returns the commit.
func commitAll(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, ".git")); err != nil {
		git(t, dir, "init")
	}
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "-m", "all")
	return git(t, dir, "rev-parse", "HEAD")
}

func TestVersionIsTheReleaseOrTheChartsAppVersion(t *testing.T) {
	dir := tree(t)
	version := func() string {
		t.Helper()
		out, err := exec.Command(filepath.Join(dir, "hack/version.sh")).CombinedOutput()
		if err != nil {
			t.Fatalf("version.sh: %v: %s", err, out)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	check := func(what, want string) {
		t.Helper()
		if got := version(); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	check("no git", "3.2.1")
	first := commitAll(t, dir)
	check("no release", "3.2.1+g"+first[:12])
	write(t, filepath.Join(dir, "hack/more"), "x", 0o644)
	git(t, dir, "add", "--all")
	check("uncommitted", "3.2.1+g"+first[:12]+".dirty")
	git(t, dir, "tag", "unrelated")
	git(t, dir, "tag", "v3.3.0", first)
	check("a release, and something uncommitted", "3.3.0-dirty")
	second := commitAll(t, dir)
	check("a commit after the release", "3.3.0-1-g"+second[:12])
	git(t, dir, "tag", "v3.3.1")
	check("the release", "3.3.1")
}
