package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// demo runs the whole path once in a temporary folder. The folder is removed
// if all went well; otherwise its logs stay, and the error says where.
func demo(ctx context.Context, died context.CancelCauseFunc, r *reporter) (err error) {
	dir, err := os.MkdirTemp("", "clientele-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	s, err := newStack(dir, 0, r, died)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() { err = s.endDemo(err) }()
	d := &demoRun{stack: s}
	return r.all(ctx, append(s.startSteps(), d.steps()...))
}

// endDemo stops everything and tidies up.
func (s *stack) endDemo(err error) error {
	stopped := s.stop()
	if err == nil && stopped == nil {
		s.report.say("Everything is stopped.")
		return os.RemoveAll(s.dir)
	}
	s.report.say("Everything is stopped; the logs are in %s", s.logs())
	return errors.Join(err, stopped, s.removeData())
}

// demoRun is what the steps of the demo hand on to each other.
type demoRun struct {
	*stack
	clients     []*unstructured.Unstructured // the sample OAuthClients
	credentials credentials
	metadata    metadata
	token       string
}

func (d *demoRun) steps() []step {
	return []step{
		{"apply config/samples", d.applySamples},
		{"wait until the OAuthClients are Ready", d.waitReady},
		{"show the objects", d.showObjects},
		{"read the credentials Secret", d.readSecret},
		{"read the server's metadata", d.readMetadata},
		{"get a token with client_credentials", d.getToken},
		{"verify the token against the published JWKS", d.verifyToken},
	}
}

func (d *demoRun) applySamples(ctx context.Context) (string, error) {
	objects, err := d.copySamples()
	if err != nil {
		return "", err
	}
	d.clients = ofKind(objects, "OAuthClient")
	if len(d.clients) == 0 {
		return "", errors.New("config/samples holds no OAuthClient")
	}
	return "samples applied", d.kubectl(ctx, "apply", "-f", d.samplesDir())
}

func (d *demoRun) showObjects(ctx context.Context) (string, error) {
	return "these are the objects", d.kubectl(ctx, "get", "clientele", "--all-namespaces")
}
