package helm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"clientele.dev/clientele/hack/internal/manifests"
)

// What Prometheus' operator reads has no field that it does not know.
func TestMonitoringObjects(t *testing.T) {
	r := rendered(t, "monitoring")
	seen := map[string]int{}
	for _, o := range r.all() {
		if o.GroupVersionKind().Group != "monitoring.coreos.com" {
			continue
		}
		seen[o.GetKind()]++
		var into any
		switch o.GetKind() {
		case "PodMonitor":
			into = &monitoringv1.PodMonitor{}
		case "PrometheusRule":
			into = &monitoringv1.PrometheusRule{}
		default:
			t.Errorf("unknown: %s", manifests.Describe(o))
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true); err != nil {
			t.Errorf("%s: %v", manifests.Describe(o), err)
		}
		if o.GetLabels()["release"] != "prometheus" {
			t.Errorf("%s: Prometheus does not select it: it has the labels %v", manifests.Describe(o), o.GetLabels())
		}
		if monitor, ok := into.(*monitoringv1.PodMonitor); ok {
			testMonitor(t, r, monitor)
		}
	}
	if seen["PodMonitor"] != 2 || seen["PrometheusRule"] != 1 {
		t.Errorf("there are %v, want two PodMonitors and a PrometheusRule", seen)
	}
	if by := rendered(t, "default"); len(by.ofKind("PodMonitor"))+len(by.ofKind("PrometheusRule")) != 0 {
		t.Error("they are there without being asked for")
	}
}

// testMonitor holds the operator's PodMonitor against its Pods.
func testMonitor(t *testing.T, r *release, m *monitoringv1.PodMonitor) {
	t.Helper()
	if m.Name != "clientele-operator" {
		return // servers are the operator's
	}
	pod := r.pods(t)["Deployment "+system+"/clientele-operator"]
	for key, value := range m.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value {
			t.Errorf("%s selects %s=%s, which the operator's Pods lack", m.Name, key, value)
		}
	}
	for _, e := range m.Spec.PodMetricsEndpoints {
		named := false
		for _, p := range pod.Spec.Containers[0].Ports {
			named = named || e.Port != nil && p.Name == *e.Port
		}
		if !named {
			t.Errorf("%s asks a port that the operator's Pods lack", m.Name)
		}
	}
}

// alerts are the expressions of the PrometheusRule, with their `for`, as the README has them.
func alerts(t *testing.T) (rows []string) {
	t.Helper()
	rule := rendered(t, "monitoring").ofKind("PrometheusRule")[0]
	groups, _, _ := unstructured.NestedSlice(rule.Object, "spec", "groups")
	for _, g := range groups {
		rules, _, _ := unstructured.NestedSlice(g.(map[string]any), "rules")
		for _, r := range rules {
			alert := r.(map[string]any)
			row := "`" + alert["expr"].(string) + "`"
			if d, ok := alert["for"].(string); ok {
				row += " for " + d
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// The README's table of alerts and the chart's PrometheusRule say the same.
func TestTheAlertsAreThoseOfTheREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| expression | somebody should know that |\n| --- | --- |\n")
	if !found {
		t.Fatal("the README has no table of alerts any more")
	}
	var want []string
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") || len(cells) < 2 {
			break
		}
		cell, _, _ := strings.Cut(strings.TrimPrefix(cells[0], "| "), " (metric of the server)")
		want = append(want, strings.ReplaceAll(cell, `\|`, "|")) // a table wants it escaped
	}
	have := alerts(t)
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("the chart lacks %s", w)
		}
	}
	for _, h := range have {
		if !slices.Contains(want, h) {
			t.Errorf("the README lacks %s", h)
		}
	}
}

// metricName is a metric of ours in an expression.
var metricName = regexp.MustCompile(`\bclientele_[a-z_]+\b`)

// Every metric in alerts and dashboard is one that operator or server have, and every
// expression of the dashboard balances its brackets.
func TestAlertsAndDashboardNameMetricsThatThereAre(t *testing.T) {
	have := map[string]bool{}
	for _, root := range []string{"../../controllers", "../../authserver"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, name := range regexp.MustCompile(`"(clientele_[a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
				have[name[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	expressions := alerts(t)
	config := rendered(t, "monitoring").find(t, "ConfigMap", "clientele-dashboard")
	text, _, _ := unstructured.NestedString(config.Object, "data", "clientele.json")
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if len(expressions) < 20 {
		t.Errorf("there are only %d expressions", len(expressions))
	}
	for _, e := range expressions {
		for _, name := range metricName.FindAllString(e, -1) {
			if !have[strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")] {
				t.Errorf("no metric is named %s, in %s", name, e)
			}
		}
		if strings.Count(e, "(") != strings.Count(e, ")") || strings.Count(e, "{") != strings.Count(e, "}") {
			t.Errorf("brackets do not match in %s", e)
		}
	}
}
