package controllers_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// scrape is what /metrics of the operator says.
func scrape(t *testing.T) string {
	t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// awaitSample waits until /metrics has a line that matches; SERVER stands for the
// label.
func (s *stack) awaitSample(t *testing.T, line string) {
	t.Helper()
	line = strings.ReplaceAll(line, "SERVER", `server="`+system+`/default"`)
	wanted := regexp.MustCompile(`(?m)^` + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(line) + `$`)
	var last string
	s.eventually(t, func(context.Context) bool {
		last = scrape(t)
		return wanted.MatchString(last)
	}, func() string {
		return fmt.Sprintf("no %s in:\n%s", line, strings.Join(regexp.MustCompile(`(?m)^clientele_.*$`).FindAllString(last, -1), "\n"))
	})
}

func TestMetricsOfTheOperator(t *testing.T) {
	s := start(t)
	as, sp, oac := s.authorizationServer(), s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)

	lost := s.oauthClient()
	lost.Name, lost.Spec.ServerRef = "lost", &v1alpha1.ServerReference{Name: "chosen-by-a-team"}
	s.create(t, lost)
	for _, line := range []string{
		`clientele_oauthclients{ready="True",reason="Accepted",SERVER} 1`,
		`clientele_oauthclients{ready="False",reason="ServerNotFound",server=""} 1`,
		`clientele_scopepolicies{ready="True",reason="InForce",SERVER} 1`,
		`clientele_authorizationserver_condition{condition="Ready",reason="Serving",SERVER,status="True"} 1`,
		`clientele_deregistration_brake_engaged{SERVER} 0`,
		`clientele_signing_keys{algorithm="ES256",phase="Active",SERVER} 1`,
		`clientele_signing_keys{algorithm="RS256",phase="Published",SERVER} 1`,
		`clientele_client_registrations_total{cause="new",outcome="Accepted"} 1`,
		`clientele_oauthclient_ready_seconds_count 1`,
		`clientele_events_dropped_total 0`,
	} {
		s.awaitSample(t, line)
	}
	text := scrape(t)
	if strings.Contains(text, "chosen-by-a-team") || strings.Contains(text, s.ns) {
		t.Error("a metric has a name that an app team chose")
	}
	s.wantRotationTime(t, text, as)
	lint(t, text)

	// The server stops, and a client is deleted: its tombstone shows.
	s.stopServer()
	s.remove(t, oac)
	s.awaitSample(t, `clientele_tombstones{reason="ServerUnreachable",SERVER} [1-9]`) // other tests leave some
	if text := scrape(t); !strings.Contains(text, "\nclientele_tombstones_oldest_timestamp_seconds{") {
		t.Error("it is not told since when it waits")
	}
	lint(t, scrape(t))
	s.startServerAgain(t)
	s.eventually(t, func(context.Context) bool { return !strings.Contains(scrape(t), "\nclientele_tombstones{") },
		func() string { return "the tombstone is still told" })
}

// wantRotationTime sees that the next rotation is a rotation period after the first
// activation.
func (s *stack) wantRotationTime(t *testing.T, text string, as *v1alpha1.AuthorizationServer) {
	t.Helper()
	var first metav1.Time
	for _, key := range as.Status.SigningKeys {
		if key.Activated != nil && (first.IsZero() || key.Activated.Before(&first)) {
			first = *key.Activated
		}
	}
	found := regexp.MustCompile(`\nclientele_signing_keys_next_rotation_timestamp_seconds\{.*\} (.*)\n`).FindStringSubmatch(text)
	var at float64
	if found != nil {
		_, _ = fmt.Sscan(found[1], &at)
	}
	if want := first.Add(90 * 24 * time.Hour).Unix(); int64(at) != want {
		t.Errorf("the next rotation is told as %v, want %v", found, want)
	}
}

// lint holds our metrics against the conventions of Prometheus.
func lint(t *testing.T, text string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "clientele_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
