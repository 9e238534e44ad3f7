package oauthclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// samples of a collector, each as "name{label=value} number", held against the
// conventions of Prometheus.
func samples(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	must(t, registry.Register(c))
	families, err := registry.Gather()
	must(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			out[fmt.Sprintf("%s{%s}", f.GetName(), strings.Join(labels, ","))] = value
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	w, op, oac := registered(t)
	w.edit(oac, func() { oac.Spec.DisplayName = "Another" })
	op.settle(keyOf(oac))
	w.edit(oac, func() { rotate("1")(oac) })
	op.settle(keyOf(oac)) // its next secret is registered: changed
	w.delete(w.secret(w.app, "app-oauth"))
	op.settle(keyOf(oac))
	w.wipe()
	w.proxy.failing(http.MethodPost, answer(http.StatusServiceUnavailable, "", ""))
	must(t, op.sync())
	op.run(keyOf(oac))
	w.proxy.failing("", nil)
	op.settleAccepted(oac)
	w.delete(oac)
	op.gone(keyOf(oac))

	got := samples(t, op.Metrics())
	for name, want := range map[string]float64{
		"clientele_client_registrations_total{cause=new,outcome=Accepted}":            1,
		"clientele_client_registrations_total{cause=changed,outcome=Accepted}":        2,
		"clientele_client_registrations_total{cause=lost,outcome=StoreLost}":          1,
		"clientele_client_registrations_total{cause=lost,outcome=Accepted}":           1,
		"clientele_client_deregistrations_total{outcome=" + outcomeDeregistered + "}": 1,
		"clientele_credentials_repairs_total{cause=deleted}":                          1,
		"clientele_client_secret_rotations_total{cause=annotation}":                   1,
		"clientele_oauthclient_ready_seconds{}":                                       1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v; all are %v", name, got[name], want, got)
		}
	}
	if len(got) != 8 {
		t.Errorf("there are %d samples: %v", len(got), got)
	}
}

// A tombstone says what it waits for.
func TestTombstonesWaitForTheServer(t *testing.T) {
	w, op, oac := registered(t)
	w.delete(oac)
	op.run(keyOf(oac))
	want := func(reason string) {
		t.Helper()
		if got := op.Tombstones(); len(got) != 1 || got[0].Count != 1 || got[0].Reason != reason || got[0].Server.Name != "default" {
			t.Errorf("the tombstones are %+v, want one that waits: %s", got, reason)
		}
	}
	want(v1alpha1.ReasonProgressing)
	w.proxy.failing(http.MethodGet, answer(http.StatusServiceUnavailable, "", ""))
	if op.sync() == nil {
		t.Fatal("the server answers")
	}
	want(v1alpha1.ReasonServerError)
	w.proxy.failing("", nil)
	op.gone(keyOf(oac))
	op.run(keyOf(oac))
	if got := op.Tombstones(); len(got) != 0 {
		t.Errorf("the tombstones are %+v", got)
	}
}
