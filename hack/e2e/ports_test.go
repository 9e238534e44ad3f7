package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// A firewall or NetworkPolicy between the operator and the registrar port is what
// `clientele check` finds, and names; tokens do not need that port.
func TestLongClosedRegistrarPortIsFoundByCheck(t *testing.T) {
	installation(t)
	the.NeedNode(t)
	the.NeedLab(t)
	the.Namespace(t, "closed")
	a := newApp(t, "closed", "orders", "default")
	check := func() (string, error) {
		return the.Run(t.Context(), "", "../../bin/clientele", "check")
	}
	if out, err := check(); err != nil {
		t.Errorf("clientele check of an installation that works: %v", err)
	} else {
		t.Logf("clientele check of an installation that works:\n%s", out)
	}

	rule := []string{"FORWARD", "-p", "tcp", "--dport", fmt.Sprint(v1alpha1.PortRegistrar), "-j", "DROP"}
	the.Must(t, "iptables", append([]string{"-I"}, rule...)...)
	open := undo(func() {
		if _, err := the.Run(t.Context(), "", "iptables", append([]string{"-D"}, rule...)...); err != nil {
			fmt.Println("e2e: clean up:", err)
		}
	})
	defer open()
	condition(t, "default", 90*time.Second, "port 8444 is closed", v1alpha1.ConditionServerReachable, metav1.ConditionFalse, "")
	out, err := check()
	if err == nil {
		t.Errorf("clientele check does not fail while port 8444 is closed:\n%s", out)
	}
	if !strings.Contains(out, "8444") || !strings.Contains(out, "fail") {
		t.Errorf("clientele check does not name port 8444:\n%s", out)
	}
	t.Logf("clientele check while port 8444 is closed:\n%s", out)
	a.mustWork(t, "while the registrar port is closed")

	open()
	cluster.Ready(t, the, server("default"), time.Minute, "port 8444 is open again")
}
