package main

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

// copySamples copies config/samples into the stack's folder, with this stack's
// issuer in place of the one written there, and returns the objects.
func (s *stack) copySamples() ([]*unstructured.Unstructured, error) {
	paths, err := filepath.Glob(filepath.Join(s.root, "config", "samples", "*.yaml"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.samplesDir(), 0o700); err != nil {
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

func (s *stack) copySample(path string) ([]*unstructured.Unstructured, error) {
	objects, err := manifests.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, obj := range objects {
		if err := rewriteIssuer(obj, s.issuer()); err != nil {
			return nil, err
		}
		document, err := yaml.Marshal(obj.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifests.Describe(obj), err)
		}
		text = append(append(text, "---\n"...), document...)
		if obj.GetKind() == "AuthorizationServer" {
			s.serverManifest = filepath.Join(s.samplesDir(), filepath.Base(path))
		}
	}
	return objects, os.WriteFile(filepath.Join(s.samplesDir(), filepath.Base(path)), text, 0o600)
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

// createAuthorizationServer applies the sample's AuthorizationServer: operator
// and server both read their settings from it.
func (s *stack) createAuthorizationServer(ctx context.Context) (string, error) {
	if _, err := s.copySamples(); err != nil {
		return "", err
	}
	if s.serverManifest == "" {
		return "", errors.New("config/samples holds no AuthorizationServer")
	}
	if err := s.kubectl(ctx, "apply", "-f", s.serverManifest); err != nil {
		return "", err
	}
	return "AuthorizationServer created; its issuer is " + s.issuer() + ", whatever port the sample names", nil
}
