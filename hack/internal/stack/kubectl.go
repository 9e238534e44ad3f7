package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs the built kubectl and prints what it prints, indented.
func (s *Stack) Kubectl(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.assets.Kubectl, args...)
	// Its discovery cache would otherwise stay behind in the home directory.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.AdminKubeconfig(), "KUBECACHEDIR="+s.secret("kubectl-cache"))
	out, err := cmd.CombinedOutput()
	s.Report.Say("      $ kubectl %s", strings.Join(args, " "))
	s.Report.Say("%s", Indent(string(out)))
	if err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// Indent sets text in by six columns, under its step.
func Indent(text string) string {
	text = strings.TrimRight(text, "\n")
	return "      " + strings.ReplaceAll(text, "\n", "\n      ")
}
