package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

var errInterrupted = errors.New("interrupted; the next run goes on from here")

type builder struct {
	cache     string
	versions  versions
	publisher *publisher // nil: nothing is downloaded
	out       io.Writer
	now       func() time.Time
}

// ensure provides the wanted programs: it uses what an earlier run left, or else
// downloads, or else builds. Each program appears by a rename, so that it is
// complete whenever it exists.
func (b builder) ensure(ctx context.Context, wanted []program) error {
	dir, err := b.folder(ctx, wanted)
	if err != nil {
		return err
	}
	if missing := lacking(dir, wanted); len(missing) > 0 {
		if err := b.buildAll(ctx, missing, dir); err != nil {
			return err
		}
	}
	return b.point(dir)
}

// folder returns the folder for the pinned versions. It is that of the downloaded
// programs if a download is possible and none of these programs was built before.
func (b builder) folder(ctx context.Context, wanted []program) (string, error) {
	built := filepath.Join(b.cache, b.versions.dir())
	all := published(programs)
	begun := len(lacking(built, all)) < len(all)
	if b.publisher == nil || begun || len(published(wanted)) == 0 {
		return built, nil
	}
	downloaded := filepath.Join(b.cache, b.versions.downloadedDir())
	if isThere(downloaded) {
		return downloaded, nil
	}
	err := b.download(ctx, downloaded)
	if ctx.Err() != nil {
		return "", errInterrupted
	}
	if err != nil {
		b.say("no published test binaries (%v): building from source", err)
		return built, nil
	}
	return downloaded, nil
}

// lacking returns those of the programs that the folder lacks.
func lacking(dir string, of []program) []program {
	var missing []program
	for _, p := range of {
		if !isThere(filepath.Join(dir, p.name)) {
			missing = append(missing, p)
		}
	}
	return missing
}

func published(of []program) []program {
	var some []program
	for _, p := range of {
		if p.published {
			some = append(some, p)
		}
	}
	return some
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (b builder) buildAll(ctx context.Context, missing []program, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the build folder: %w", err)
	}
	b.say("building %s from source, once (Kubernetes %s, etcd %s)", list(missing), b.versions.kubernetes, b.versions.etcd)
	b.say("The first build takes about %s on two cores, plus the download of the modules.", firstBuild(missing))
	b.say("To skip it, set KUBEBUILDER_ASSETS to a folder with ready-made binaries.")
	began := b.now()
	for i, p := range missing {
		if err := b.build(ctx, fmt.Sprintf("[%d/%d] %s", i+1, len(missing), p.name), p, dir); err != nil {
			return err
		}
	}
	b.say("done in %s: %s", seconds(b.now().Sub(began)), dir)
	return nil
}

// build compiles one program and reports progress every few seconds.
func (b builder) build(ctx context.Context, step string, p program, dir string) error {
	began := b.now()
	target := filepath.Join(dir, p.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath",
		"-ldflags", b.versions.linkerFlags(), "-o", target+".part", p.pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	seen := &packageLog{}
	cmd.Stdout, cmd.Stderr = seen, seen

	stop := b.tick(func() {
		b.say("%s: %d packages compiled, %s", step, seen.count(), seconds(b.now().Sub(began)))
	})
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", p.name, err, seen.tail())
	}
	if err := os.Rename(target+".part", target); err != nil {
		return fmt.Errorf("put %s in place: %w", p.name, err)
	}
	b.say("%s built in %s", step, seconds(b.now().Sub(began)))
	return nil
}

// tick calls f every few seconds until the returned function is called.
func (b builder) tick(f func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(progressEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// point lets current name the given folder, by rename so that it never lacks.
func (b builder) point(final string) error {
	link, fresh := filepath.Join(b.cache, "current"), filepath.Join(b.cache, "current.new")
	if was, err := os.Readlink(link); err == nil && was == filepath.Base(final) {
		return nil
	}
	_ = os.Remove(fresh)
	if err := os.Symlink(filepath.Base(final), fresh); err != nil {
		return fmt.Errorf("name the current version: %w", err)
	}
	if err := os.Rename(fresh, link); err != nil {
		return fmt.Errorf("name the current version: %w", err)
	}
	return nil
}

func (b builder) say(format string, args ...any) {
	fmt.Fprintf(b.out, "controlplane: "+format+"\n", args...)
}
