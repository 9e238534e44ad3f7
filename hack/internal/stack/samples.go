package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"clientele.dev/clientele/hack/internal/manifests"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// CopySamples copies config/samples into the stack's folder, with this stack's
// issuer in place of the one written there, and returns the objects.
func (s *Stack) CopySamples() ([]*unstructured.Unstructured, error) {
	paths, err := filepath.Glob(filepath.Join(s.root, "config", "samples", "*.yaml"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.SamplesDir(), 0o700); err != nil {
		return nil, fmt.Errorf("copy the samples: %w", err)
	}
	var all []*unstructured.Unstructured
	for _, path := range paths {
		objects, err := s.copySample(path)
		if err != nil {
			return nil, fmt.Errorf("copy the samples: %w", err)
		}
		all = append(all, objects...)
	}
	return all, nil
}

func (s *Stack) copySample(path string) ([]*unstructured.Unstructured, error) {
	objects, err := manifests.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, obj := range objects {
		if err := rewriteIssuer(obj, s.Issuer()); err != nil {
			return nil, err
		}
		document, err := yaml.Marshal(obj.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifests.Describe(obj), err)
		}
		text = append(append(text, "---\n"...), document...)
		if obj.GetKind() == "AuthorizationServer" {
			s.serverManifest = filepath.Join(s.SamplesDir(), filepath.Base(path))
		}
	}
	return objects, os.WriteFile(filepath.Join(s.SamplesDir(), filepath.Base(path)), text, 0o600)
}

// rewriteIssuer gives an AuthorizationServer another issuer, and the URL that
// an unmanaged one is reached at if the manifest has one. Other kinds stay.
func rewriteIssuer(obj *unstructured.Unstructured, issuer string) error {
	if obj.GetKind() != "AuthorizationServer" {
		return nil
	}
	if err := unstructured.SetNestedField(obj.Object, issuer, "spec", "issuer"); err != nil {
		return fmt.Errorf("rewrite the issuer of %s: %w", manifests.Describe(obj), err)
	}
	if _, found, _ := unstructured.NestedString(obj.Object, "spec", "unmanaged", "url"); !found {
		return nil
	}
	if err := unstructured.SetNestedField(obj.Object, issuer, "spec", "unmanaged", "url"); err != nil {
		return fmt.Errorf("rewrite the URL of %s: %w", manifests.Describe(obj), err)
	}
	return nil
}

// createAuthorizationServer applies the sample's AuthorizationServer: operator
// and server both read their settings from it. Before either runs it is opened to
// the demo user and to apps that register themselves.
func (s *Stack) createAuthorizationServer(ctx context.Context) (string, error) {
	if _, err := s.CopySamples(); err != nil {
		return "", err
	}
	if s.serverManifest == "" {
		return "", errors.New("config/samples holds no AuthorizationServer")
	}
	if err := s.Kubectl(ctx, "apply", "-f", s.serverManifest); err != nil {
		return "", err
	}
	if err := manifests.Apply(ctx, s.client, []*unstructured.Unstructured{forPeople()}, applyWithin); err != nil {
		return "", err
	}
	return "AuthorizationServer created; its issuer is " + s.Issuer() + ", whatever port the sample names", nil
}
