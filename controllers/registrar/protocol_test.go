package registrar

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"github.com/go-logr/logr"
)

// operator of a version of the protocol, at a script.
type operator struct {
	*Server
	script    *script
	now       time.Time
	recovered int
}

func newOperator(t *testing.T, protocol int) *operator {
	o := &operator{script: newScript(t), now: time.Now()}
	o.script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := NewServers(Options{
		Tokens: &tokens{life: 24 * time.Hour, now: time.Now}, Now: func() time.Time { return o.now }, Log: logr.Discard(), Protocol: protocol,
	})
	servers.options.needed = func(any) int { return protocol } // what is sent has a member of the newest version
	servers.Subscribe(Subscriber{Recovered: func(Key) { o.recovered++ }})
	o.Server = servers.For(o.script.object())
	return o
}

// poll ten seconds later, and return the reason of condition ServerReachable if it failed.
func (o *operator) poll(t *testing.T) (reason, message string) {
	t.Helper()
	o.now = o.now.Add(protocolEvery)
	if err := o.Poll(t.Context(), 0); err != nil {
		x := Explain(err)
		return x.Reason, x.Message
	}
	return "", ""
}

// TestO19TheServerIsOfAnotherRelease: one release apart both work together; further apart
// the condition says which has to be upgraded, until it was.
func TestO19TheServerIsOfAnotherRelease(t *testing.T) {
	for name, c := range map[string]struct {
		operator, server, agreed int
		reason, advice           string
	}{
		"main before there were versions": {oauth.Protocol, 0, oauth.FirstProtocol, "", ""},
		"the same":                        {7, 7, 7, "", ""},
		"a release behind":                {7, 6, 6, "", ""},
		"a release ahead":                 {7, 8, 7, "", ""},
		"two releases behind":             {7, 5, 0, v1alpha1.ReasonServerTooOld, "Upgrade the server"},
		"without a version, far behind":   {7, 0, 0, v1alpha1.ReasonServerTooOld, "Upgrade the server"},
		"two releases ahead":              {7, 9, 0, v1alpha1.ReasonServerTooNew, "Upgrade the operator"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperator(t, c.operator)
			o.script.protocol, o.script.version = c.server, "v1.2.3"
			reason, message := o.poll(t)
			if reason != c.reason || !strings.Contains(message, c.advice) || o.State().Protocol != c.agreed {
				t.Errorf("%s: %s; they speak version %d", reason, message, o.State().Protocol)
			}
			if reason == "" {
				if o.State().Version != "v1.2.3" {
					t.Errorf("version %q", o.State().Version)
				}
				return
			}
			o.script.set(func() { o.script.protocol = c.operator })
			if reason, message := o.poll(t); reason != "" || o.recovered != 1 || o.State().Protocol != c.operator {
				t.Errorf("after an upgrade: %s: %s; recovered %d times", reason, message, o.recovered)
			}
		})
	}
}

// TestO19ARollOut: while a replica of the release before runs, nothing is sent that it would
// ignore, whichever replica would get it.
func TestO19ARollOut(t *testing.T) {
	o := newOperator(t, 2)
	old, now := oauth.Replica{ID: "old"}, oauth.Replica{ID: "new", Version: "v2", Protocol: 2}
	speaks := func(want int, wantReason string, replicas ...oauth.Replica) {
		t.Helper()
		o.script.set(func() { o.script.protocol, o.script.replicas = 2, replicas })
		if reason, message := o.poll(t); reason != "" || o.State().Protocol != want {
			t.Fatalf("%s: %s; they speak version %d, want %d", reason, message, o.State().Protocol, want)
		}
		before := o.script.sent
		_, err := o.Register(t.Context(), someClient())
		got := ""
		if err != nil {
			got = Explain(err).Reason
		}
		if got != wantReason || (o.script.sent > before) != (wantReason == "") {
			t.Errorf("registration: %v; %d were sent", err, o.script.sent-before)
		}
	}
	speaks(1, v1alpha1.ReasonServerTooOld, old)
	speaks(1, v1alpha1.ReasonServerTooOld, old, now)
	o.recovered = 0
	speaks(2, "", now)
	if o.recovered != 1 {
		t.Errorf("what waited for the upgrade was told %d times to go on", o.recovered)
	}
	speaks(2, "", nil...) // its database is away: nothing changes
	speaks(2, "", []oauth.Replica{}...)
	speaks(1, v1alpha1.ReasonServerTooOld, now, old) // the server is rolled back
	o.script.set(func() { o.script.replicas = []oauth.Replica{now, {ID: "far", Protocol: 4}} })
	if reason, _ := o.poll(t); reason != v1alpha1.ReasonServerTooNew {
		t.Errorf("a replica two releases ahead: %q", reason)
	}
}

// TestO19TheReplicasAreNotAskedAllTheTime however often something changes.
func TestO19TheReplicasAreNotAskedAllTheTime(t *testing.T) {
	o := newOperator(t, 2)
	o.script.protocol = 2
	o.poll(t)
	o.script.set(func() { o.script.replicas = []oauth.Replica{{ID: "old"}} })
	if err := o.Poll(t.Context(), 0); err != nil || o.State().Protocol != 2 {
		t.Errorf("%v; they speak version %d", err, o.State().Protocol)
	}
	if o.poll(t); o.State().Protocol != 1 {
		t.Errorf("ten seconds later they speak version %d", o.State().Protocol)
	}
}
