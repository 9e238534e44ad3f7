package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeGo puts a `go` on PATH that writes its -o file, says what it was asked
// for, and fails for the package that $FAIL names.
const fakeGo = `#!/bin/sh
for arg; do last=$arg; done
while [ "$1" != -o ]; do shift; done
echo "compiling $last"
case $last in *"${FAIL:-nothing}"*) echo "boom"; exit 1;; esac
echo built > "$2"
echo x >> "$CALLS"
`

func newBuilder(t *testing.T) (builder, *bytes.Buffer, func() int) {
	t.Helper()
	bin, calls := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fakeGo), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("CALLS", calls)
	out := &bytes.Buffer{}
	count := func() int { text, _ := os.ReadFile(calls); return strings.Count(string(text), "x") }
	return builder{cache: t.TempDir(), versions: versions{"v1.2.3", "v3.4.5"}, out: out, now: time.Now}, out, count
}

func TestBuiltOncePerVersion(t *testing.T) {
	b, _, calls := newBuilder(t)
	for range 2 {
		if err := b.ensure(t.Context(), programs); err != nil {
			t.Fatal(err)
		}
	}
	if got := calls(); got != len(programs) {
		t.Errorf("%d builds, want %d", got, len(programs))
	}
	for _, p := range programs {
		if _, err := os.Stat(filepath.Join(b.cache, "current", p.name)); err != nil {
			t.Error(err)
		}
	}
	b.versions.kubernetes = "v1.2.4"
	if err := b.ensure(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.Readlink(filepath.Join(b.cache, "current")); got != b.versions.dir() {
		t.Errorf("current is %s, want %s", got, b.versions.dir())
	}
}

func TestFailedBuildIsNotTakenForAFinishedOne(t *testing.T) {
	b, _, _ := newBuilder(t)
	t.Setenv("FAIL", "kube-apiserver")
	err := b.ensure(t.Context(), programs)
	if err == nil || !strings.Contains(err.Error(), "build kube-apiserver") || !strings.Contains(err.Error(), "boom") {
		t.Fatalf("error %v, want the program and what the compiler said", err)
	}
	if got := list(lacking(filepath.Join(b.cache, b.versions.dir()), programs)); !strings.HasPrefix(got, "kube-apiserver") {
		t.Fatalf("after a failed build of kube-apiserver the folder lacks %q", got)
	}
	if _, err := os.Lstat(filepath.Join(b.cache, "current")); err == nil {
		t.Fatal("current names a folder after a failed build")
	}
	t.Setenv("FAIL", "")
	if err := b.ensure(t.Context(), programs); err != nil {
		t.Fatalf("the next run: %v", err)
	}
}

func TestParallelBuildsWaitForEachOther(t *testing.T) {
	b, _, calls := newBuilder(t)
	b.out = new(syncBuffer)
	path := filepath.Join(b.cache, "lock")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			unlock, err := lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if err := b.ensure(t.Context(), programs); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := calls(); got != len(programs) {
		t.Errorf("%d builds, want %d", got, len(programs))
	}
}

func TestLockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(ctx, path); err == nil {
		t.Fatal("the lock was given twice")
	}
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestPinnedVersionsAreRead(t *testing.T) {
	v, err := readVersions("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(v.kubernetes, "v1.") || !strings.HasPrefix(v.etcd, "v3.") {
		t.Errorf("versions %+v", v)
	}
	if flags := v.linkerFlags(); !strings.Contains(flags, "k8s.io/component-base/version.gitVersion="+v.kubernetes+" ") {
		t.Errorf("linker flags %q lack the version", flags)
	}
}

func TestOnlyWhatIsWantedIsBuilt(t *testing.T) {
	b, out, calls := newBuilder(t)
	for _, step := range []struct {
		names string
		built int // in sum
		says  string
	}{
		{"etcd kube-apiserver", 2, "etcd, kube-apiserver"},
		{"kube-apiserver etcd", 2, ""},
		{"kubectl etcd", 3, "building kubectl from"},
		{"", 4, "building kube-controller-manager from"},
	} {
		out.Reset()
		wanted, err := named(strings.Fields(step.names))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.ensure(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if calls() != step.built || !strings.Contains(out.String(), step.says) {
			t.Errorf("%q: %d built in sum, want %d; said %q, want %q in it", step.names, calls(), step.built, out, step.says)
		}
		if missing := lacking(filepath.Join(b.cache, "current"), wanted); len(missing) > 0 {
			t.Errorf("%q: current lacks %s", step.names, list(missing))
		}
	}
}

func TestFirstBuildIsEstimated(t *testing.T) {
	for names, want := range map[string]string{
		"etcd": "a minute", "etcd kube-apiserver": "6 minutes", "kube-controller-manager": "5 minutes", "": "9 minutes",
	} {
		of, err := named(strings.Fields(names))
		if got := firstBuild(of); err != nil || got != want {
			t.Errorf("%q takes %s, %v; want %s", names, got, err, want)
		}
	}
}

func TestUnknownProgramIsRefused(t *testing.T) {
	if _, err := named([]string{"etcd", "kubelet"}); err == nil || !strings.Contains(err.Error(), "kubelet") {
		t.Errorf("error %v, want one that names kubelet", err)
	}
}

func TestBesideReadyMadeBinaries(t *testing.T) {
	for _, c := range []struct{ rule, holds, missing, err string }{
		{"complete", "etcd kube-apiserver kubectl kube-controller-manager", "", ""},
		{"published archive", "etcd kube-apiserver kubectl", "kube-controller-manager", ""},
		{"without kubectl", "etcd kube-apiserver", "kubectl, kube-controller-manager", ""},
		{"without etcd", "kube-apiserver kubectl", "", "lacks etcd"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range strings.Fields(c.holds) {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			missing, err := beside(dir, programs)
			if list(missing) != c.missing || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
				t.Errorf("missing %q, %v; want %q, %q", list(missing), err, c.missing, c.err)
			}
		})
	}
}
