package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"clientele.dev/clientele/hack/internal/stack"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// demo runs the whole path once in a temporary folder: a machine gets a token, then
// an app gets tokens of a person, then one that registered itself does. The folder is removed
// if all went well; otherwise its logs stay, and the error says where.
func demo(ctx context.Context, died context.CancelCauseFunc, o options) (err error) {
	r := o.report
	dir, err := os.MkdirTemp("", "clientele-demo-")
	if err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	s, err := stack.New(stack.Options{Dir: dir, Postgres: o.postgres, Report: r, Died: died})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() { err = endDemo(s, err) }()
	d := &demoRun{Stack: s}
	u := &userAct{demoRun: d, attended: attended(o.unattended)}
	defer u.close()
	g := &selfRegisteredAct{userAct{demoRun: d}}
	defer g.close()
	err = r.All(ctx, slices.Concat(s.StartSteps(), d.steps(), u.steps(), g.steps()))
	if left := errLeft(""); errors.As(err, &left) {
		r.Say("%v", left)
		return nil
	}
	return err
}

// endDemo stops everything and tidies up.
func endDemo(s *stack.Stack, err error) error {
	stopped := s.Stop()
	if err == nil && stopped == nil {
		s.Report.Say("Everything is stopped.")
		return os.RemoveAll(s.Dir)
	}
	s.Report.Say("Everything is stopped; the logs are in %s", s.Logs())
	return errors.Join(err, stopped, s.RemoveData())
}

// demoRun is what the steps of the demo hand on to each other.
type demoRun struct {
	*stack.Stack
	clients     []*unstructured.Unstructured // the sample OAuthClients
	credentials credentials
	metadata    metadata
	token       string
}

func (d *demoRun) steps() []stack.Step {
	return []stack.Step{
		{Name: "apply config/samples", Run: d.applySamples},
		{Name: "wait until the OAuthClients are Ready", Run: d.waitReady},
		{Name: "show the objects", Run: d.showObjects},
		{Name: "read the credentials Secret", Run: d.readSecret},
		{Name: "read the server's metadata", Run: d.readMetadata},
		{Name: "get a token with client_credentials", Run: d.getToken},
		{Name: "verify the token against the published JWKS", Run: d.verifyToken},
	}
}

func (d *demoRun) applySamples(ctx context.Context) (string, error) {
	objects, err := d.CopySamples()
	if err != nil {
		return "", err
	}
	d.clients = ofKind(objects, "OAuthClient")
	if len(d.clients) == 0 {
		return "", errors.New("config/samples holds no OAuthClient")
	}
	return "samples applied", d.ApplySamples(ctx, objects)
}

// ofKind picks objects by kind.
func ofKind(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	var picked []*unstructured.Unstructured
	for _, obj := range objects {
		if obj.GetKind() == kind {
			picked = append(picked, obj)
		}
	}
	return picked
}
