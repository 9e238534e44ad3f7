// Command render writes what follows from the chart: config/install.yaml and
// config/default-server.yaml for people without Helm, and the table of values in the
// chart's README. `make manifests` runs it at the repository's root.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

const (
	chartDir  = "charts/clientele"
	name      = "clientele"
	namespace = "clientele-system"

	head = "# Made by `make manifests` from charts/clientele with its default values. Do not edit.\n"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func run() error {
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		return fmt.Errorf("load the chart: %w", err)
	}
	objects, err := render(c)
	if err != nil {
		return err
	}
	install, server, err := withoutHelm(objects)
	if err != nil {
		return err
	}
	readme := filepath.Join(chartDir, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	values, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		return err
	}
	table, err := withTable(text, values)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		"config/install.yaml":        install,
		"config/default-server.yaml": server,
		readme:                       table,
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// object is a Kubernetes object as YAML has it.
type object map[string]any

func (o object) at(path ...string) object {
	for _, key := range path {
		next, _ := o[key].(map[string]any)
		o = next
	}
	return o
}

func (o object) kind() string { s, _ := o["kind"].(string); return s }

// render returns the objects of the chart in the order in which Helm installs them.
func render(c *chart.Chart) ([]object, error) {
	release := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(c, nil, release, common.DefaultCapabilities)
	if err != nil {
		return nil, fmt.Errorf("merge the values: %w", err)
	}
	files, err := engine.Render(c, values)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	// Without Helm nothing runs the hooks.
	_, sorted, err := releaseutil.SortManifests(withoutNotes(files), nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, fmt.Errorf("sort the objects: %w", err)
	}
	var objects []object
	for _, m := range sorted {
		o := object{}
		if err := yaml.Unmarshal([]byte(m.Content), &o); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		objects = append(objects, o)
	}
	return objects, nil
}

func withoutNotes(files map[string]string) map[string]string {
	for file := range files {
		if strings.HasSuffix(file, ".txt") {
			delete(files, file)
		}
	}
	return files
}

// withoutHelm makes of the chart's objects what `kubectl apply` takes: install, with the
// Namespace and without what is for the bootstrap Job, and the objects that the Job
// would apply.
func withoutHelm(objects []object) (install, server []byte, err error) {
	bootstrap := name + "-bootstrap"
	// The Namespace holds what opens every client; so it says what may run in it.
	kept := []object{{
		"apiVersion": "v1",
		"kind":       "Namespace",
		"metadata": map[string]any{
			"name": namespace,
			"labels": map[string]any{
				"app.kubernetes.io/part-of":                  name,
				"pod-security.kubernetes.io/enforce":         "restricted",
				"pod-security.kubernetes.io/enforce-version": "latest",
				"pod-security.kubernetes.io/warn":            "restricted",
				"pod-security.kubernetes.io/audit":           "restricted",
			},
		},
	}}
	for _, o := range objects {
		if o.at("metadata")["name"] == bootstrap {
			if o.kind() == "ConfigMap" {
				text, _ := o.at("data")["objects.yaml"].(string)
				server = []byte(head + text)
			}
			continue
		}
		dropHelm(o)
		kept = append(kept, o)
	}
	if server == nil {
		return nil, nil, fmt.Errorf("the chart has no ConfigMap %s with objects.yaml", bootstrap)
	}
	install = []byte(head + "# kubectl apply --server-side -f config/install.yaml\n")
	for i, o := range kept {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, nil, err
		}
		if i > 0 {
			install = append(install, "---\n"...)
		}
		install = append(install, text...)
	}
	return install, server, nil
}

// dropHelm takes off what only Helm writes or reads.
func dropHelm(o object) {
	for _, meta := range []object{o.at("metadata"), o.at("spec", "template", "metadata")} {
		for _, kind := range []string{"labels", "annotations"} {
			m := meta.at(kind)
			for key := range m {
				if strings.HasPrefix(key, "helm.sh/") || key == "app.kubernetes.io/managed-by" {
					delete(m, key)
				}
			}
			if m != nil && len(m) == 0 {
				delete(meta, kind)
			}
		}
	}
}

// Where the README has the table of values.
const (
	tableBegin = "<!-- values: made by `make manifests` from values.yaml -->\n"
	tableEnd   = "<!-- end of values -->\n"
)

// withTable puts the table of values into the README.
func withTable(readme, values []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(readme, []byte(tableBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !ok2 {
		return nil, fmt.Errorf("the chart's README lacks the lines %q and %q", tableBegin, tableEnd)
	}
	rows, err := describeValues(values)
	if err != nil {
		return nil, err
	}
	table := "| value | default | what |\n| --- | --- | --- |\n" + strings.Join(rows, "")
	return slices.Concat(before, []byte(tableBegin), []byte(table), []byte(tableEnd), after), nil
}
