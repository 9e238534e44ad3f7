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

// program is one binary and the package it is built from.
type program struct{ name, pkg string }

// programs stand in the order they are built: small ones first, so that the
// first lines of progress come soon.
var programs = []program{
	{"etcd", "go.etcd.io/etcd/server/v3"},
	{"kubectl", "k8s.io/kubernetes/cmd/kubectl"},
	{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"},
}

type builder struct {
	cache    string
	versions versions
	out      io.Writer
	now      func() time.Time
}

// ensure builds what is missing. The version's folder appears by one rename
// after everything is built, so that it is complete whenever it is there.
func (b builder) ensure(ctx context.Context) error {
	final := filepath.Join(b.cache, b.versions.dir())
	if _, err := os.Stat(final); err == nil {
		return b.point(final)
	}
	work := final + ".building"
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("make the build folder: %w", err)
	}
	b.announce()
	began := b.now()
	for i, p := range programs {
		if err := b.build(ctx, i, p, work); err != nil {
			return err
		}
	}
	if err := os.Rename(work, final); err != nil {
		return fmt.Errorf("put the finished binaries in place: %w", err)
	}
	b.say("done in %s: %s", seconds(b.now().Sub(began)), final)
	return b.point(final)
}

func (b builder) announce() {
	b.say("building Kubernetes %s and etcd %s from source, once.", b.versions.kubernetes, b.versions.etcd)
	b.say("The first build takes about " + firstBuild + " on two cores, plus the download of the modules.")
	b.say("To skip it, set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl.")
}

// build compiles one program, telling every few seconds how far it is.
func (b builder) build(ctx context.Context, i int, p program, dir string) error {
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
		b.say("[%d/%d] %s: %d packages compiled, %s", i+1, len(programs), p.name, seen.count(), seconds(b.now().Sub(began)))
	})
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return errors.New("interrupted; the next run goes on from here")
	}
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", p.name, err, seen.tail())
	}
	if err := os.Rename(target+".part", target); err != nil {
		return fmt.Errorf("put %s in place: %w", p.name, err)
	}
	b.say("[%d/%d] %s built in %s", i+1, len(programs), p.name, seconds(b.now().Sub(began)))
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
