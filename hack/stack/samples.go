package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"clientele.dev/clientele/hack/internal/manifests"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// samples returns the objects of config/samples with this stack's issuer in
// place of the one written there, which is another port.
func (s *stack) samples() ([]*unstructured.Unstructured, error) {
	objects, err := manifests.Read(filepath.Join(s.root, "config", "samples"))
	if err != nil {
		return nil, err
	}
	for _, obj := range objects {
		if err := rewriteIssuer(obj, s.issuer()); err != nil {
			return nil, err
		}
	}
	return objects, nil
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
	objects, err := s.samples()
	if err != nil {
		return "", err
	}
	servers := ofKind(objects, "AuthorizationServer")
	if len(servers) == 0 {
		return "", fmt.Errorf("config/samples holds no AuthorizationServer")
	}
	if err := manifests.Apply(ctx, s.client, servers, applyWithin); err != nil {
		return "", err
	}
	return "AuthorizationServer created; its issuer is " + s.issuer() + ", whatever port the sample names", nil
}

// writeSamples writes the samples with this stack's issuer into its folder.
func (s *stack) writeSamples() error {
	objects, err := s.samples()
	if err != nil {
		return err
	}
	var all []byte
	for _, obj := range objects {
		text, err := yaml.Marshal(obj.Object)
		if err != nil {
			return fmt.Errorf("write %s: %w", manifests.Describe(obj), err)
		}
		all = append(append(all, "---\n"...), text...)
	}
	if err := os.MkdirAll(s.samplesDir(), 0o700); err != nil {
		return fmt.Errorf("write the samples: %w", err)
	}
	return os.WriteFile(filepath.Join(s.samplesDir(), "samples.yaml"), all, 0o600)
}
