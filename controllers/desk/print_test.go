package desk

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// A9: what a client says of itself does not move a terminal's cursor.
func TestA9ATableIsOnlyText(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	client := oauth.SelfRegisteredClient{
		ClientID: "id", ClientName: "\x1b[2J\u202egnp.exe\n" + strings.Repeat("a", 100), RegisteredBy: "system:serviceaccount:shop:ci",
		RedirectURIs: []string{"com.example.app:/cb", "cursor://anysphere.cursor-mcp/cb", "https://a.example/cb", "https://a.example:8443/x"},
		RegisteredAt: now.Add(-50 * time.Hour).Unix(), UsedAt: now.Add(-time.Hour).Unix(),
	}
	var out, notes bytes.Buffer
	p := printer{out: &out, notes: &notes, now: now}
	must(t, p.list([]oauth.SelfRegisteredClient{client}))
	must(t, p.show(client))
	contains(t, out.String(), "com.example.app:,cursor:,a.example ", "…", "system:serviceaccount:shop:ci", "2d2h", "in the last day", "2030-03-15 15:46 UTC")
	if strings.ContainsAny(out.String(), "\x1b\u202e") || strings.Count(out.String(), "\n") != 2+10 {
		t.Errorf("%q", out.String())
	}
}

// The server knows when a session was used to the minute: at 12:00:59 one of a moment
// ago was used at 12:00.
func TestSeenIsToTheMinute(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	p := printer{now: now}
	for ago, want := range map[time.Duration]string{
		0: "in the last two minutes", 119 * time.Second: "in the last two minutes", 2 * time.Minute: "2m ago", 3 * time.Hour: "3h ago",
	} {
		if got := p.seen(now.Add(-ago).Unix()); got != want {
			t.Errorf("%v ago: %q, want %q", ago, got, want)
		}
	}
}

// What the next command is given is not shortened.
func TestIDsAreWhole(t *testing.T) {
	now, id := time.Unix(1_900_000_000, 0), "team."+strings.Repeat("a", 100)
	var out bytes.Buffer
	p := printer{out: &out, notes: &out, now: now}
	must(t, p.list([]oauth.SelfRegisteredClient{{ClientID: id}}))
	must(t, p.person(oauth.Person{Subject: "user/" + id, Apps: []oauth.PersonApp{{ClientID: id, Resource: "https://api.example/" + id}}}))
	contains(t, out.String(), "\n"+id+"   -", "user/"+id+":", "\n"+id+"   https://api.example/"+id+" ")
}
