package sqlstore

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestAStepSaysFromWhichOnItIsReadable(t *testing.T) {
	for text, want := range map[string]int{
		"-- readable_from: 0001\nCREATE": olderVersions + 1,
		"-- readable_from: 0002\nCREATE": olderVersions + 2,
		"-- readable_from: 0002":         olderVersions + 2,
		"-- readable_from: 0003\nCREATE": 0, // not even its own program could
		"-- readable_from: 0000\nCREATE": 0,
		"-- readable_from: now\nCREATE":  0,
		"CREATE":                         0,
		"\n-- readable_from: 0001":       0,
	} {
		files := fstest.MapFS{
			"migrations/0001_first.sql":  {Data: []byte("CREATE")},
			"migrations/0002_second.sql": {Data: []byte(text)},
		}
		all, err := Migrations(files)
		switch {
		case want == 0 && (err == nil || !strings.Contains(err.Error(), "0002_second.sql")):
			t.Errorf("%q: error %v, want one that names the step", text, err)
		case want != 0 && (err != nil || len(all) != 2 || all[0].ReadableFrom != olderVersions+1 || all[1].ReadableFrom != want):
			t.Errorf("%q: %+v, %v, want %d", text, all, err, want)
		}
	}
}

// TestReadableFromNeverFalls: what one step contracted stays so, whatever later ones say.
func TestReadableFromNeverFalls(t *testing.T) {
	all := []Migration{{ReadableFrom: 101}, {ReadableFrom: 102}, {ReadableFrom: 101}}
	is, err := Migrate(all, Schema{}, func(string) error { return nil })
	if want := (Schema{Version: 103, ReadableFrom: 102}); is != want || err != nil {
		t.Errorf("%+v, %v, want %+v", is, err, want)
	}
	if _, err := Migrate(all[:2], is, nil); err != nil {
		t.Errorf("the version before: %v", err)
	}
	if _, err := Migrate(all[:1], is, nil); err == nil {
		t.Error("the version before that one was let in")
	}
}
