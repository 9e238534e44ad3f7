package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// samplesPort is the server's port in config/samples.
const samplesPort = 8080

// dev runs the stack until Ctrl-C, or until one of its processes dies.
func dev(ctx context.Context, died context.CancelCauseFunc, r *reporter) (err error) {
	dir := cmp.Or(os.Getenv("DEV_DIR"), ".dev")
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := newStack(dir, r, died)
	if err != nil {
		return err
	}
	s.preferServerPort()
	if err := s.choosePorts(); err != nil {
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
	if err := errors.Join(s.writeEnv(), s.writeSamples()); err != nil {
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

// preferServerPort takes the port that config/samples names, if it is free, so
// that the first stack on a machine fits the samples as they are.
func (s *stack) preferServerPort() {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", samplesPort))
	if err != nil {
		s.report.say("port %d is taken: the issuer gets another one", samplesPort)
		return
	}
	_ = l.Close()
	s.ports.server = samplesPort
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
	s.report.say("server metrics    %s/metrics", loopback(s.ports.serverMetrics))
	s.report.say("operator metrics  %s/metrics", loopback(s.ports.operatorMetrics))
	s.report.say("logs              %s", s.logs())
	s.report.say("Ctrl-C stops everything.")
}

// samplesFor names the samples that fit this stack's issuer.
func (s *stack) samplesFor(dir string) string {
	if s.ports.server == samplesPort {
		return "config/samples"
	}
	return dir + "/samples"
}
