package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// layout names what lies where in a stack's folder.
type layout struct{ dir string }

func (l layout) data() string            { return filepath.Join(l.dir, "data") }
func (l layout) controlPlane() string    { return filepath.Join(l.dir, "data", "control-plane") }
func (l layout) serverData() string      { return filepath.Join(l.dir, "data", "server") }
func (l layout) secret(n string) string  { return filepath.Join(l.dir, "data", n) }
func (l layout) logs() string            { return filepath.Join(l.dir, "logs") }
func (l layout) log(n string) string     { return filepath.Join(l.dir, "logs", n+".log") }
func (l layout) samplesDir() string      { return filepath.Join(l.dir, "samples") }
func (l layout) env() string             { return filepath.Join(l.dir, "env") }
func (l layout) adminKubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }

// clear removes what an earlier run left. Ports, and with them the issuer,
// differ from run to run, so its data is of no use to the next one.
func (l layout) clear() error {
	if err := l.removeData(); err != nil {
		return err
	}
	if err := os.RemoveAll(l.logs()); err != nil {
		return fmt.Errorf("remove the old logs: %w", err)
	}
	for _, dir := range []string{l.data(), l.serverData(), l.logs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the stack's folder: %w", err)
		}
	}
	return nil
}

// removeData removes everything secret or stale, and leaves the logs.
func (l layout) removeData() error {
	for _, path := range []string{l.env(), l.adminKubeconfig(), l.samplesDir(), l.data()} {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove the stack's data: %w", err)
		}
	}
	return nil
}
