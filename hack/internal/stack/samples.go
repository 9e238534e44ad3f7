package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

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

// lastApplied is where `kubectl apply` looks for what was applied before.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// ApplySamples applies objects of CopySamples and reports each. A later `kubectl
// apply` of their files finds them as it would have left them itself. They have a
// field manager of their own, so that the fields that the stack adds to the same
// objects stay.
func (s *Stack) ApplySamples(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, obj := range objects {
		text, err := json.Marshal(obj)
		if err != nil {
			return fmt.Errorf("%s: %w", manifests.Describe(obj), err)
		}
		obj = obj.DeepCopy()
		annotations := maps.Clone(obj.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[lastApplied] = string(text)
		obj.SetAnnotations(annotations)
		if err := manifests.ApplyAs(ctx, s.client, "clientele-samples", []*unstructured.Unstructured{obj}, applyWithin); err != nil {
			return err
		}
		s.Report.Say("      %s applied", manifests.Describe(obj))
	}
	return nil
}

// createAuthorizationServer applies the platform team's samples: the
// AuthorizationServer, from which operator and server both read their settings, and
// what namespaces may have there. Before either runs the AuthorizationServer is opened
// to the demo user and to apps that register themselves.
func (s *Stack) createAuthorizationServer(ctx context.Context) (string, error) {
	objects, err := s.CopySamples()
	if err != nil {
		return "", err
	}
	platforms := slices.DeleteFunc(objects, func(obj *unstructured.Unstructured) bool {
		return obj.GetKind() != "AuthorizationServer" && obj.GetKind() != "NamespaceAccess"
	})
	if len(platforms) == 0 {
		return "", errors.New("config/samples holds no AuthorizationServer")
	}
	if err := s.ApplySamples(ctx, platforms); err != nil {
		return "", err
	}
	if err := manifests.Apply(ctx, s.client, []*unstructured.Unstructured{forPeople()}, applyWithin); err != nil {
		return "", err
	}
	return "AuthorizationServer created; its issuer is " + s.Issuer() + ", whatever port the sample names", nil
}
