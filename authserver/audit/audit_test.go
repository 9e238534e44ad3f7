package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/audit"
)

func TestF36OnlyPermittedParametersAreLogged(t *testing.T) {
	var out bytes.Buffer
	l := audit.New(slog.New(slog.NewJSONHandler(&out, nil)), func() time.Time { return time.Unix(1, 0) })
	l.Write(context.Background(), audit.ClientRegistered,
		slog.String("client_id", "ns.app"), slog.String("client_secret", "planted"))
	if got := out.String(); strings.Contains(got, "planted") || !strings.Contains(got, "ns.app") {
		t.Fatalf("logged %s", got)
	}
}

func TestFloodOfRefusalsIsBoundedAndCounted(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	l := audit.New(slog.New(slog.NewJSONHandler(&out, nil)), func() time.Time { return now })
	for range 1000 {
		l.Write(context.Background(), audit.AuthenticationRefused)
	}
	if n := strings.Count(out.String(), "\n"); n != 20 {
		t.Fatalf("%d lines for a flood within one instant, want the burst of 20", n)
	}
	now = now.Add(time.Second)
	l.Write(context.Background(), audit.AuthenticationRefused)
	if !strings.Contains(out.String(), `"suppressed":980`) {
		t.Fatalf("the suppressed events are not counted: %s", out.String()[out.Len()-200:])
	}
	for range 1000 {
		l.Write(context.Background(), audit.ClientDeleted)
	}
	if n := strings.Count(out.String(), string(audit.ClientDeleted)); n != 1000 {
		t.Fatalf("%d of 1000 changes logged; they must never be dropped", n)
	}
}
