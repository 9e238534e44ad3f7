package interop

import (
	"fmt"
	"os"
	"testing"
)

// TestMain ends Chromium, which the tests share, when they are done. On Linux it
// ends with this process however that ends.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopChromium(); err != nil {
		fmt.Fprintln(os.Stderr, "chromium:", err)
		code = 1
	}
	os.Exit(code)
}
