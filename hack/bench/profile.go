package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// profile an operation under load, beside the measurement and not in it, into the
// directory of -profiles.
func (b *bench) profile(ctx context.Context, on *backend, c *cluster, o operation, users []user) error {
	if b.profiles == "" {
		return nil
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		return err
	}
	path := filepath.Join(b.profiles, strings.ReplaceAll(on.name+" "+o.name, " ", "-")+".pprof")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := load(ctx, c.host(), users, 2*loadRun)
		return err
	})
	group.Go(func() error {
		return b.download(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", c.Inside, loadRun.Seconds()), path)
	})
	return group.Wait()
}

func (b *bench) download(ctx context.Context, url, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}
