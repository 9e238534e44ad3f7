package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// layout names what lies where in a stack's folder.
type layout struct{ dir string }

func (l layout) data() string           { return filepath.Join(l.dir, "data") }
func (l layout) controlPlane() string   { return filepath.Join(l.dir, "data", "control-plane") }
func (l layout) serverData() string     { return filepath.Join(l.dir, "data", "server") }
func (l layout) dsn() string            { return filepath.Join(l.dir, "data", "postgres-dsn") }
func (l layout) secret(n string) string { return filepath.Join(l.dir, "data", n) }

// Logs is the folder of the logs.
func (l layout) Logs() string        { return filepath.Join(l.dir, "logs") }
func (l layout) log(n string) string { return filepath.Join(l.dir, "logs", n+".log") }

// SamplesDir is where CopySamples puts the samples.
func (l layout) SamplesDir() string { return filepath.Join(l.dir, "samples") }

// Env is the file of shell variables.
func (l layout) Env() string { return filepath.Join(l.dir, "env") }

// AdminKubeconfig is the kubeconfig with every right.
func (l layout) AdminKubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }

// clear removes what an earlier run left. Ports, and with them the issuer,
// differ from run to run, so its data is of no use to the next one.
func (l layout) clear() error {
	if err := l.RemoveData(); err != nil {
		return err
	}
	if err := os.RemoveAll(l.Logs()); err != nil {
		return fmt.Errorf("remove the old logs: %w", err)
	}
	for _, dir := range []string{l.data(), l.serverData(), l.Logs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the stack's folder: %w", err)
		}
	}
	return nil
}

// RemoveData removes everything secret or stale, and leaves the logs.
func (l layout) RemoveData() error {
	for _, path := range []string{l.Env(), l.AdminKubeconfig(), l.SamplesDir(), l.data()} {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove the stack's data: %w", err)
		}
	}
	return nil
}
