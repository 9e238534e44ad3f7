package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// kubectl runs the built kubectl and prints what it prints, indented.
func (s *stack) kubectl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.assets.Kubectl, args...)
	// Its discovery cache would otherwise stay behind in the home directory.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.adminKubeconfig(), "KUBECACHEDIR="+s.secret("kubectl-cache"))
	out, err := cmd.CombinedOutput()
	s.report.say("      $ kubectl %s", strings.Join(args, " "))
	s.report.say("%s", indent(string(out)))
	if err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// indent sets text in by six columns, under its step.
func indent(text string) string {
	text = strings.TrimRight(text, "\n")
	return "      " + strings.ReplaceAll(text, "\n", "\n      ")
}
