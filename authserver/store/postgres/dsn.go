package postgres

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// maxDSN is how many bytes a connection string's file may have.
const maxDSN = 16 << 10

// readDSN reads a connection string from a file, as a Secret is mounted; white
// space around it is left out. No error quotes the content.
func readDSN(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the connection string: %w", err)
	}
	dsn := strings.TrimSpace(string(content))
	switch {
	case dsn == "":
		err = errors.New("the file is empty")
	case len(content) > maxDSN:
		err = fmt.Errorf("the file has more than %d bytes", maxDSN)
	case strings.ContainsAny(dsn, "\r\n\x00"):
		err = errors.New("the file has more than one line")
	}
	if err != nil {
		return "", fmt.Errorf("read the connection string from %s: %w", path, err)
	}
	return dsn, nil
}
