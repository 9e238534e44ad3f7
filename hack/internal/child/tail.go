package child

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// tailWindow bounds how much of a log's end is read for its last lines.
const tailWindow = 32 << 10

// Tail returns the last n lines of a file, or a sentence why it cannot.
func Tail(path string, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return "(no log: " + err.Error() + ")"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailWindow {
		_, _ = f.Seek(-tailWindow, io.SeekEnd)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Sprintf("(log unreadable: %v)", err)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
