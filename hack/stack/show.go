package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"clientele.dev/clientele/hack/internal/stack"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
)

// category is what `kubectl get` calls all the product's kinds.
const category = "clientele"

// asTable asks the API server for the columns that kubectl shows.
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// showObjects prints what `kubectl get clientele --all-namespaces` shows.
func (d *demoRun) showObjects(ctx context.Context) (string, error) {
	c, err := discovery.NewDiscoveryClientForConfig(d.Admin())
	if err != nil {
		return "", err
	}
	groups, err := c.ServerPreferredResources()
	if err != nil {
		return "", fmt.Errorf("list the kinds: %w", err)
	}
	var out bytes.Buffer
	for _, group := range groups {
		for _, resource := range group.APIResources {
			if !slices.Contains(resource.Categories, category) {
				continue
			}
			body, err := c.RESTClient().Get().AbsPath("/apis", group.GroupVersion, resource.Name).SetHeader("Accept", asTable).DoRaw(ctx)
			if err != nil {
				return "", fmt.Errorf("list %s: %w", resource.Name, err)
			}
			if err := writeTable(&out, resource.Name, body); err != nil {
				return "", fmt.Errorf("show %s: %w", resource.Name, err)
			}
		}
	}
	d.Report.Say("%s", stack.Indent(out.String()))
	return "these are the objects: kubectl get " + category + " --all-namespaces", nil
}

// writeTable prints a metav1.Table in JSON, its namespaces included and without the
// columns that only `kubectl get -o wide` shows.
func writeTable(to io.Writer, title string, body []byte) error {
	var table metav1.Table
	if err := json.Unmarshal(body, &table); err != nil {
		return err
	}
	if len(table.Rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	header := []string{"NAMESPACE"}
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			header = append(header, strings.ToUpper(column.Name))
		}
	}
	fmt.Fprintf(w, "%s\n%s\n", title, strings.Join(header, "\t"))
	for _, row := range table.Rows {
		var object metav1.PartialObjectMetadata
		if err := json.Unmarshal(row.Object.Raw, &object); err != nil {
			return err
		}
		cells := []string{object.Namespace}
		for i, column := range table.ColumnDefinitions {
			if column.Priority == 0 && i < len(row.Cells) {
				cells = append(cells, cell(row.Cells[i]))
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func cell(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
