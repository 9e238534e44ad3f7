package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"clientele.dev/clientele/hack/internal/assets"
	"clientele.dev/clientele/hack/internal/stack"
)

// dev runs the stack until Ctrl-C, or until one of its processes dies.
func dev(ctx context.Context, died context.CancelCauseFunc, o options) (err error) {
	r := o.report
	dir := cmp.Or(os.Getenv("DEV_DIR"), ".dev")
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	kubectlDir, err := ownKubectl()
	if err != nil {
		return err
	}
	s, err := stack.New(stack.Options{Dir: dir, ServerPort: stack.SamplesPort, ControllerManager: true, Postgres: o.postgres, Report: r, Died: died})
	if err != nil {
		return err
	}
	defer func() {
		r.Say("stopping")
		err = errors.Join(err, s.Stop(), s.RemoveData())
		r.Say("stopped; the logs are in %s", s.Logs())
	}()
	if err := r.All(ctx, s.StartSteps()); err != nil {
		return err
	}
	if err := writeEnv(s, kubectlDir); err != nil {
		return err
	}
	tellDev(s, dir)
	defer s.KeepTokensFresh(ctx)()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		return cause
	}
	return nil
}

// ownKubectl returns the folder of the control plane's kubectl where the PATH has no
// kubectl, and "" where it has one.
func ownKubectl() (string, error) {
	if _, err := exec.LookPath("kubectl"); err == nil {
		return "", nil
	}
	_, set, err := assets.Here(assets.Kubectl)
	return filepath.Dir(set[assets.Kubectl]), err
}

func writeEnv(s *stack.Stack, kubectlDir string) error {
	env := environment{kubeconfig: s.AdminKubeconfig(), issuer: s.Issuer(), user: s.DemoUser(), kubectlDir: kubectlDir}
	return env.write(s.Env())
}

// tellDev says how to use what runs. dir is the folder as the user named it.
func tellDev(s *stack.Stack, dir string) {
	if !filepath.IsAbs(dir) {
		dir = "./" + dir
	}
	s.Report.Say("")
	s.Report.Say("Running. In another terminal:")
	s.Report.Say("  . %s", filepath.ToSlash(dir)+"/env")
	s.Report.Say("  kubectl apply -f %s", filepath.ToSlash(dir)+"/samples")
	s.Report.Say("issuer            %s", s.Issuer())
	s.Report.Say("apps              may register themselves (RFC 7591)")
	s.Report.Say("user              %s; the password is in DEMO_PASSWORD of that file", s.DemoUser().Name)
	s.Report.Say("server metrics    %s", s.ServerMetrics())
	s.Report.Say("operator metrics  %s", s.OperatorMetrics())
	s.Report.Say("logs              %s", s.Logs())
	s.Report.Say("Ctrl-C stops everything.")
}
