package main

import (
	"strings"
	"testing"
)

func TestTableIsShownAsKubectlShowsIt(t *testing.T) {
	const body = `{"columnDefinitions": [{"name": "Name"}, {"name": "Ready"}, {"name": "Reason", "priority": 1}, {"name": "Tokens"}],
		"rows": [
			{"cells": ["checkout", "True", "wide", 3], "object": {"metadata": {"namespace": "shop", "name": "checkout"}}},
			{"cells": ["cron", null, "wide", 12], "object": {"metadata": {"namespace": "warehouse", "name": "cron"}}}]}`
	want := []string{
		"oauthclients",
		"NAMESPACE   NAME       READY   TOKENS",
		"shop        checkout   True    3",
		"warehouse   cron               12",
		"", "",
	}
	var out strings.Builder
	if err := writeTable(&out, "oauthclients", []byte(body)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != strings.Join(want, "\n") {
		t.Errorf("shown:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	if err := writeTable(&out, "scopepolicies", []byte(`{}`)); err != nil || strings.Contains(out.String(), "scopepolicies") {
		t.Errorf("a kind without objects is shown: %v", err)
	}
}
