package pgtest

import (
	"os"
	"strings"
	"testing"
)

func TestServerLivesAndLeavesNothing(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name, there, err := s.Schema(t.Context())
	if err != nil {
		t.Error(err)
	}
	if err := s.Exec(t.Context(), there, `CREATE TABLE x (); SELECT * FROM `+name+`.x`); err != nil {
		t.Error(err)
	}
	for _, do := range []func() error{s.Kill, func() error { return s.Begin(t.Context()) }, s.Kill, s.Stop, s.Stop} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", s.dir, err)
	}
}

func TestSettingsThatAreWrongAreShown(t *testing.T) {
	s, err := Start(t.Context(), "no_such_setting=1")
	if err == nil {
		t.Fatal(s.Stop())
	}
	if !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("error %q, want what PostgreSQL said", err)
	}
}

func TestNotInstalledSaysWhatToDo(t *testing.T) {
	if !strings.Contains(ErrNotInstalled.Error(), "apt-get install -y postgresql") {
		t.Error(ErrNotInstalled)
	}
}
