package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// dev runs the stack until Ctrl-C, or until one of its processes dies.
func dev(ctx context.Context, died context.CancelCauseFunc, r *reporter) (err error) {
	dir := cmp.Or(os.Getenv("DEV_DIR"), ".dev")
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := newStack(dir, samplesPort, r, died)
	if err != nil {
		return err
	}
	defer func() {
		r.say("stopping")
		err = errors.Join(err, s.stop(), s.removeData())
		r.say("stopped; the logs are in %s", s.logs())
	}()
	if err := r.all(ctx, s.startSteps()); err != nil {
		return err
	}
	if err := s.writeEnv(); err != nil {
		return err
	}
	s.tellDev(dir)
	defer s.keepTokensFresh(ctx)()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		return cause
	}
	return nil
}

func (s *stack) writeEnv() error {
	env := environment{kubeconfig: s.adminKubeconfig(), issuer: s.issuer()}
	if _, err := exec.LookPath("kubectl"); err != nil {
		env.kubectlDir = filepath.Dir(s.assets.Kubectl)
	}
	return env.write(s.env())
}

// tellDev says how to use what runs. dir is the folder as the user named it.
func (s *stack) tellDev(dir string) {
	if !filepath.IsAbs(dir) {
		dir = "./" + dir
	}
	s.report.say("")
	s.report.say("Running. In another terminal:")
	s.report.say("  . %s", filepath.ToSlash(dir)+"/env")
	s.report.say("  kubectl apply -f %s", s.samplesFor(dir))
	s.report.say("issuer            %s", s.issuer())
	s.report.say("server metrics    %s/metrics", s.ports.serverMetrics.url())
	s.report.say("operator metrics  %s/metrics", s.ports.operatorMetrics.url())
	s.report.say("logs              %s", s.logs())
	s.report.say("Ctrl-C stops everything.")
}

// samplesFor names the samples that fit this stack's issuer: the repository's
// own, if the server has the port that stands in them.
func (s *stack) samplesFor(dir string) string {
	if s.ports.server.number == samplesPort {
		return "config/samples"
	}
	return dir + "/samples"
}
