package e2e

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// figures that the scenarios measured, in their order.
var figures struct {
	sync.Mutex
	rows [][3]string
}

// figure notes what was measured, beside its goal ("-" if there is none).
func figure(t testing.TB, what, value, goal string) {
	t.Helper()
	t.Logf("measured: %s: %s (goal %s)", what, value, goal)
	figures.Lock()
	defer figures.Unlock()
	figures.rows = append(figures.rows, [3]string{what, value, goal})
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// writeFigures prints what was measured, and writes it as a table to the file that
// E2E_RESULTS names.
func writeFigures(out io.Writer) error {
	if len(figures.rows) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("| figure | measured | goal |\n| --- | ---: | --- |\n")
	for _, r := range figures.rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r[0], r[1], r[2])
	}
	fmt.Fprintf(out, "\nMeasured on this cluster\n\n%s\n", b.String())
	if path := os.Getenv("E2E_RESULTS"); path != "" {
		return os.WriteFile(path, []byte(b.String()), 0o644)
	}
	return nil
}
