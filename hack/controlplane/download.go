package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/remote"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
	envtest "sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
)

// silence is how long a download may deliver nothing.
const silence = 5 * time.Second

// publisher is where the test binaries of Kubernetes are published.
type publisher struct {
	index   string // URL; "": the one of controller-tools
	silence time.Duration
}

// download puts the published programs into the folder, which appears complete by
// a rename or not at all.
func (b builder) download(ctx context.Context, final string) error {
	b.say("looking for published test binaries, which takes seconds where there is internet")
	ctx, heard, stop := watchdog(ctx, b.publisher.silence)
	defer stop()
	ctx = logr.NewContext(ctx, logr.Discard())
	client := &remote.HTTPClient{Log: logr.Discard(), IndexURL: b.publisher.index}
	sets, err := client.ListVersions(ctx)
	if err != nil {
		return because(ctx, err)
	}
	item, platform, err := choose(sets, b.versions.kubernetes)
	if err != nil {
		return err
	}
	heard()

	work := filepath.Join(b.cache, "download")
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	archive, err := os.Create(filepath.Join(work, "archive"))
	if err != nil {
		return err
	}
	defer archive.Close()
	got := &progress{to: archive, heard: heard}
	began := b.now()
	stopTicking := b.tick(func() { b.say("downloading: %d MB, %s", got.megabytes(), seconds(b.now().Sub(began))) })
	// GetVersion compares the checksum that the index gives.
	err = client.GetVersion(ctx, item.Version, platform, got)
	stopTicking()
	if err != nil {
		return because(ctx, err)
	}
	if err := unpack(ctx, archive, work, item, final); err != nil {
		return err
	}
	b.say("downloaded the test binaries of Kubernetes v%s in %s: %s", item.Version, seconds(b.now().Sub(began)), final)
	return nil
}

// choose returns the pinned version if it is published, or else the newest patch of
// the same minor version.
func choose(sets []envtest.Set, pinned string) (store.Item, envtest.PlatformItem, error) {
	want, err := envtest.FromExpr(pinned[1:])
	if err != nil {
		return store.Item{}, envtest.PlatformItem{}, err
	}
	exact := want.AsConcrete()
	var found *envtest.Set
	var platform envtest.PlatformItem
	for _, set := range sets { // newest first
		if set.Version.Major != exact.Major || set.Version.Minor != exact.Minor {
			continue
		}
		for _, p := range set.Platforms {
			if p.OS == runtime.GOOS && p.Arch == runtime.GOARCH && (found == nil || set.Version == *exact) {
				found, platform = &set, p
			}
		}
	}
	if found == nil {
		return store.Item{}, platform, fmt.Errorf("there are none of Kubernetes v%d.%d for %s/%s", exact.Major, exact.Minor, runtime.GOOS, runtime.GOARCH)
	}
	return store.Item{Version: found.Version, Platform: platform.Platform}, platform, nil
}

// unpack unpacks the archive in work and moves the programs to the folder final.
func unpack(ctx context.Context, archive *os.File, work string, item store.Item, final string) error {
	if _, err := archive.Seek(0, 0); err != nil {
		return err
	}
	unpacked := store.NewAt(work)
	if err := unpacked.Add(ctx, item, archive); err != nil {
		return err
	}
	dir, err := unpacked.Path(item)
	if err != nil {
		return err
	}
	if missing := lacking(dir, published(programs)); len(missing) > 0 {
		return fmt.Errorf("the archive of Kubernetes v%s lacks %s", item.Version, list(missing))
	}
	// The store makes the folder read-only; it can be neither moved nor added to.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	return os.Rename(dir, final)
}

// progress passes a download on and counts it.
type progress struct {
	to    *os.File
	heard func()
	bytes atomic.Int64
}

// Write implements io.Writer.
func (p *progress) Write(data []byte) (int, error) {
	p.heard()
	n, err := p.to.Write(data)
	p.bytes.Add(int64(n))
	return n, err
}

func (p *progress) megabytes() int64 { return p.bytes.Load() >> 20 }

// watchdog ends the context if heard is not called for the given time.
func watchdog(parent context.Context, silence time.Duration) (ctx context.Context, heard, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	timer := time.AfterFunc(silence, func() { cancel(fmt.Errorf("no answer in %s", silence)) })
	return ctx, func() { timer.Reset(silence) }, func() { timer.Stop(); cancel(nil) }
}

// because returns why a request failed, without the URL: why its context ended, or
// else what is the matter with the connection.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
