package oauth

import "testing"

func TestStorageReportIsReadAsItWasWritten(t *testing.T) {
	for _, state := range storageStates {
		want := StorageReport{State: state, Message: "the disk: it is full"}
		if got := ParseStorageReport(want.String()); got == nil || *got != want {
			t.Errorf("%q is read as %+v", want, got)
		}
	}
	for _, text := range []string{"", "Full", "Fuller: x", "panic: Full: x", "open the store: full"} {
		if got := ParseStorageReport(text); got != nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
