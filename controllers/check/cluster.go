package check

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"clientele.dev/clientele/config"
)

// oldest version of Kubernetes that the CRDs and the chart work with.
const oldest = "1.31.0"

// checkAPIServer asks the API server for its version, and its clock for the time.
func (k *checker) checkAPIServer(ctx context.Context) error {
	base, _, err := rest.DefaultServerUrlFor(k.config)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("version").String(), http.NoBody)
	if err != nil {
		return err
	}
	began := k.Now()
	response, err := k.api.Do(r)
	if err != nil {
		return fmt.Errorf("no API server: %w", err)
	}
	defer response.Body.Close()
	took := k.Now().Sub(began)
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return fmt.Errorf("no API server: %w", err)
	}
	var info apiversion.Info
	switch {
	case response.StatusCode == http.StatusUnauthorized:
		return errors.New("the API server does not know you (401): the kubeconfig's credentials have expired, or are another cluster's")
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s is no API server: it answers %s to GET /version", base, response.Status)
	case json.Unmarshal(body, &info) != nil || info.GitVersion == "":
		return fmt.Errorf("%s is no API server: it tells no version", base)
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		k.ahead = skew(date, began, took)
	}
	what := "Kubernetes " + info.GitVersion
	if v, err := version.ParseGeneric(info.GitVersion); err == nil && v.LessThan(version.MustParseGeneric(oldest)) {
		k.fail(checkAPIServer, what, "Clientele needs "+oldest+" or later; upgrade the cluster", "kubectl version")
		return nil
	}
	k.ok(checkAPIServer, what, "")
	return nil
}

var crdKind = schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

// checkCRDs compares the CRDs in the cluster with those of this program.
func (k *checker) checkCRDs(ctx context.Context) {
	wanted, err := ourCRDs()
	if err != nil {
		k.fail(checkCRDs, "CRDs", err.Error(), "")
		return
	}
	k.crds = true
	for _, want := range wanted {
		k.checkCRD(ctx, want)
	}
}

func (k *checker) checkCRD(ctx context.Context, want *unstructured.Unstructured) {
	what := "CRD " + want.GetName()
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(crdKind)
	err := k.c.Get(ctx, client.ObjectKey{Name: want.GetName()}, have)
	switch {
	case apierrors.IsNotFound(err):
		k.crds = false
		k.fail(checkCRDs, what, "it is not installed", "kubectl apply --server-side -k config/crd")
		return
	case err != nil:
		k.unread(checkCRDs, what, err)
		return
	}
	if problem := notServed(have); problem != "" {
		k.crds = false
		k.fail(checkCRDs, what, problem, "kubectl describe crd "+want.GetName())
		return
	}
	ours, theirs := schemaHash(want), schemaHash(have)
	if ours != theirs {
		k.fail(checkCRDs, what, fmt.Sprintf("its schema (%s) is not that of clientele %s, which this check is of (%s); use the check and the CRDs of the operator's release", theirs, k.Version, ours),
			fmt.Sprintf("kubectl -n %s get deployment %s -o jsonpath='{..image}'", k.namespace, k.operator))
		return
	}
	k.ok(checkCRDs, what, "schema "+ours)
}

// notServed says why a CRD's kind cannot be used.
func notServed(crd *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	state := map[string]map[string]any{}
	for _, c := range conditions {
		if c, isMap := c.(map[string]any); isMap {
			kind, _ := c["type"].(string)
			state[kind] = c
		}
	}
	for _, kind := range []string{"NamesAccepted", "Established"} {
		if c := state[kind]; c == nil || c["status"] != "True" {
			return fmt.Sprintf("the API server does not serve it: %s is not True: %v", kind, c["message"])
		}
	}
	return ""
}

// schemaHash is the beginning of a hash of what a CRD says about its objects.
func schemaHash(crd *unstructured.Unstructured) string {
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	type part struct {
		Name, Served, Storage, Schema any
	}
	var parts []part
	for _, v := range versions {
		if v, isMap := v.(map[string]any); isMap {
			parts = append(parts, part{v["name"], v["served"], v["storage"], v["schema"]})
		}
	}
	text, err := json.Marshal(parts) // members of objects are sorted
	if err != nil {
		return "unknown"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// ourCRDs are those of this release.
func ourCRDs() ([]*unstructured.Unstructured, error) {
	all, err := installed()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o *unstructured.Unstructured) bool { return o.GroupVersionKind() != crdKind }), nil
}

// installed are all objects that `kubectl apply -k config` installs of this release.
func installed() ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for document := range strings.SplitSeq(string(config.Install), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			return nil, fmt.Errorf("read config/install.yaml: %w", err)
		}
		if len(o.Object) > 0 {
			all = append(all, o)
		}
	}
	return all, nil
}
