package main

import (
	"fmt"
	"os"
	"strings"

	"clientele.dev/clientele/hack/internal/stack"
)

// environment is what `. .dev/env` gives a shell.
type environment struct {
	kubeconfig string
	issuer     string
	user       stack.DemoUser
	kubectlDir string // added to PATH if not empty
}

// render writes POSIX shell.
func (e environment) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, "export KUBECONFIG=%s\n", shellQuote(e.kubeconfig))
	fmt.Fprintf(&b, "export ISSUER=%s\n", shellQuote(e.issuer))
	fmt.Fprintf(&b, "export DEMO_USER=%s\n", shellQuote(e.user.Name))
	fmt.Fprintf(&b, "export DEMO_PASSWORD=%s\n", shellQuote(e.user.Password.Reveal()))
	if e.kubectlDir != "" {
		fmt.Fprintf(&b, "export PATH=\"$PATH\":%s\n", shellQuote(e.kubectlDir))
	}
	return b.String()
}

func (e environment) write(path string) error {
	if err := os.WriteFile(path, []byte(e.render()), 0o600); err != nil {
		return fmt.Errorf("write the shell variables: %w", err)
	}
	return nil
}

// shellQuote makes one word of s, whatever is in it.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
