package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	envtest "sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
)

// archiveOf makes an archive as Kubernetes publishes it.
func archiveOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	files := tar.NewWriter(compressed)
	for _, name := range names {
		content := []byte("published " + name)
		header := &tar.Header{Name: "controller-tools/envtest/" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}
		if err := files.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(files.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// archiveName is the name of this platform's archive of Kubernetes 1.2.0; the
// builder of the tests pins 1.2.3.
var archiveName = fmt.Sprintf("envtest-v1.2.0-%s-%s.tar.gz", runtime.GOOS, runtime.GOARCH)

// publish serves an index that names the archive with this checksum, and the
// archive by a handler of the test. It gives the builder the index.
func publish(t *testing.T, b *builder, checksum string, archive http.HandlerFunc) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /index.yaml", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "releases:\n  v1.2.0:\n    %s:\n      hash: %s\n      selfLink: %s/archive\n", archiveName, checksum, server.URL)
	})
	mux.HandleFunc("GET /archive", archive)
	b.publisher = &publisher{index: server.URL + "/index.yaml", silence: time.Minute}
}

func sum(archive []byte) string {
	digest := sha512.Sum512(archive)
	return hex.EncodeToString(digest[:])
}

func sends(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }
}

// left lists the cache, but for the lock.
func left(t *testing.T, b builder) []string {
	t.Helper()
	entries, err := os.ReadDir(b.cache)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestPublishedBinariesAreDownloadedAndTheOtherIsBuilt(t *testing.T) {
	b, out, calls := newBuilder(t)
	archive, downloads := archiveOf(t, "etcd", "kube-apiserver", "kubectl"), 0
	publish(t, &b, sum(archive), func(w http.ResponseWriter, r *http.Request) { downloads++; sends(archive)(w, r) })
	for _, step := range []struct {
		names string
		built int
	}{{"etcd kube-apiserver", 0}, {"etcd kube-apiserver kubectl", 0}, {"", 1}, {"", 1}} {
		wanted, err := named(strings.Fields(step.names))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.ensure(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if calls() != step.built || downloads != 1 {
			t.Fatalf("%q: %d builds, %d downloads, want %d and one\n%s", step.names, calls(), downloads, step.built, out)
		}
	}
	for name, want := range map[string]string{"etcd": "published etcd", "kube-controller-manager": "built\n"} {
		path := filepath.Join(b.cache, "current", name)
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	if info, err := os.Stat(filepath.Join(b.cache, "current", "etcd")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("etcd cannot be executed: %v, %v", info, err)
	}
	if !strings.Contains(out.String(), "Kubernetes v1.2.0") {
		t.Errorf("the version that was downloaded is not named: %s", out)
	}
	if got := left(t, b); !slices.Equal(got, []string{"current", b.versions.downloadedDir()}) {
		t.Errorf("the cache holds %q", got)
	}
}

// Whatever is wrong with a download, one line says what, nothing of it stays, and
// the programs are built.
func TestBuiltWhereNothingCanBeDownloaded(t *testing.T) {
	archive := archiveOf(t, "etcd", "kube-apiserver", "kubectl")
	half := archive[:len(archive)/2]
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, c := range []struct {
		rule     string
		checksum string
		archive  http.HandlerFunc
		change   func(*publisher)
		says     string
	}{
		{rule: "no index", checksum: sum(archive), archive: sends(archive), change: func(p *publisher) { p.index += "x" }, says: "404"},
		{rule: "no archive", checksum: sum(archive), archive: http.NotFound, says: "404"},
		{rule: "connection refused", archive: http.NotFound, change: func(p *publisher) { p.index = "http://127.0.0.1:1/" }, says: "connection refused"},
		{rule: "index hangs", archive: hang, change: func(p *publisher) {
			p.index, p.silence = strings.Replace(p.index, "index.yaml", "archive", 1), 50*time.Millisecond
		}, says: "no answer in 50ms"},
		{rule: "archive hangs", checksum: sum(archive), archive: hang, change: func(p *publisher) { p.silence = 50 * time.Millisecond }, says: "no answer in 50ms"},
		{rule: "archive hangs in the middle", checksum: sum(archive), archive: func(w http.ResponseWriter, r *http.Request) {
			sends(half)(w, r)
			_ = http.NewResponseController(w).Flush()
			hang(w, r)
		}, change: func(p *publisher) { p.silence = 50 * time.Millisecond }, says: "no answer in 50ms"},
		{rule: "wrong checksum", checksum: sum(half), archive: sends(archive), says: "checksum mismatch"},
		{rule: "the connection breaks", checksum: sum(archive), archive: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
			sends(half)(w, r)
		}, says: "unexpected EOF"},
		{rule: "half an archive", checksum: sum(half), archive: sends(half), says: "unexpected EOF"},
		{rule: "not an archive", checksum: sum([]byte("hello")), archive: sends([]byte("hello")), says: "un-gz"},
		{rule: "a program is missing", checksum: sum(archiveOf(t, "etcd", "kubectl")), archive: sends(archiveOf(t, "etcd", "kubectl")), says: "lacks kube-apiserver"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b, out, calls := newBuilder(t)
			publish(t, &b, c.checksum, c.archive)
			if c.change != nil {
				c.change(b.publisher)
			}
			wanted, _ := named([]string{"etcd", "kube-apiserver"})
			if err := b.ensure(t.Context(), wanted); err != nil {
				t.Fatal(err)
			}
			if calls() != 2 {
				t.Errorf("%d builds, want 2", calls())
			}
			if got := left(t, b); !slices.Equal(got, []string{"current", b.versions.dir()}) {
				t.Errorf("the cache holds %q", got)
			}
			reasons := 0
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "building from source") {
					reasons++
					if !strings.Contains(line, c.says) {
						t.Errorf("said %q, want %q in it", line, c.says)
					}
				}
			}
			if reasons != 1 {
				t.Errorf("the reason is in %d lines, want one:\n%s", reasons, out)
			}
		})
	}
}

func TestInterruptedDownloadIsNotBuiltInstead(t *testing.T) {
	b, out, calls := newBuilder(t)
	archive := archiveOf(t, "etcd", "kube-apiserver", "kubectl")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	publish(t, &b, sum(archive), func(w http.ResponseWriter, r *http.Request) {
		sends(archive[:len(archive)/2])(w, r)
		_ = http.NewResponseController(w).Flush()
		interrupt()
		<-r.Context().Done()
	})
	if err := b.ensure(ctx, programs); !errors.Is(err, errInterrupted) {
		t.Fatalf("error %v, want %v", err, errInterrupted)
	}
	if got := left(t, b); len(got) > 0 || calls() > 0 {
		t.Errorf("the cache holds %q, %d builds\n%s", got, calls(), out)
	}
	publish(t, &b, sum(archive), sends(archive))
	if err := b.ensure(t.Context(), published(programs)); err != nil || calls() > 0 {
		t.Errorf("the next run: %v, %d builds", err, calls())
	}
}

// Programs that were built are not replaced by others.
func TestNothingIsDownloadedBesideWhatWasBuilt(t *testing.T) {
	b, _, calls := newBuilder(t)
	if err := b.ensure(t.Context(), programs[:1]); err != nil {
		t.Fatal(err)
	}
	publish(t, &b, "", func(http.ResponseWriter, *http.Request) { t.Error("downloaded") })
	if err := b.ensure(t.Context(), programs); err != nil || calls() != len(programs) {
		t.Errorf("%v, %d builds", err, calls())
	}
}

func TestChooseVersion(t *testing.T) {
	here := envtest.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	set := func(minor, patch int, on ...envtest.Platform) envtest.Set {
		s := envtest.Set{Version: envtest.Concrete{Major: 1, Minor: minor, Patch: patch}}
		for _, p := range on {
			s.Platforms = append(s.Platforms, envtest.PlatformItem{Platform: p})
		}
		return s
	}
	for _, c := range []struct {
		rule      string
		published []envtest.Set // newest first
		want      string
	}{
		{"the pinned one", []envtest.Set{set(38, 0, here), set(37, 3, here), set(37, 2, here)}, "1.37.2"},
		{"the newest of the same minor version", []envtest.Set{set(38, 0, here), set(37, 1, here), set(37, 0, here)}, "1.37.1"},
		{"for this platform", []envtest.Set{set(37, 2, envtest.Platform{OS: "plan9", Arch: "mips"}), set(37, 0, here)}, "1.37.0"},
		{"none", []envtest.Set{set(38, 0, here), set(36, 0, here)}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			item, _, err := choose(c.published, "v1.37.2")
			if c.want == "" {
				if err == nil {
					t.Errorf("chose %s", item)
				}
				return
			}
			if err != nil || item.Version.String() != c.want {
				t.Errorf("chose %s, %v; want %s", item.Version, err, c.want)
			}
		})
	}
}
