package check

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
)

// noon is a time without meaning.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func at(noon time.Time) func() time.Time { return func() time.Time { return noon } }

func TestSkewAllowsForTheWay(t *testing.T) {
	if got := skew(noon.Add(2*time.Second), noon, 4*time.Second); got != 500*time.Millisecond {
		t.Errorf("%v", got)
	}
}

// A clock that is off by as much as verifiers allow fails; by less, it warns.
func TestClocks(t *testing.T) {
	s := &server{AuthorizationServer: &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"}}}
	for name, c := range map[string]struct {
		// here and server are how far these clocks are ahead of the API server's.
		here, server time.Duration
		want         []string
	}{
		"all right":          {0, 0, []string{"ok   clock of AuthorizationServer a/b - as the API server's", "ok   clock of this machine - as the API server's"}},
		"ours is behind":     {-time.Minute, 0, []string{"ok   clock of Auth", "warn clock of this machine - it is 1m0s behind the API server's"}},
		"the server is off":  {0, 6 * time.Second, []string{"warn clock of AuthorizationServer a/b - it is 6s ahead of the API server's", "ok   clock of this"}},
		"the server is lost": {0, -31 * time.Second, []string{"fail clock of AuthorizationServer a/b - it is 31s behind the API server's: tokens are refused", "ok   clock of this"}},
	} {
		k := &checker{Options: Options{Now: at(noon.Add(c.here + 500*time.Millisecond))}, ahead: -c.here}
		k.checkServerClock(s, http.Header{"Date": {noon.Add(c.server).Format(http.TimeFormat)}})
		k.checkClocks()
		for i, want := range c.want {
			if got := k.Findings[i].String(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			if f := k.Findings[i]; f.Level != ok && f.Do != "timedatectl timesync-status" {
				t.Errorf("%s: do: %q", name, f.Do)
			}
		}
	}
}
