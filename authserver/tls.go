package authserver

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certFilesEvery is how often the certificate's files are looked at.
const certFilesEvery = 10 * time.Second

// certFiles is a certificate in files that are replaced when it is renewed.
type certFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu       sync.Mutex
	current  *tls.Certificate
	looked   time.Time
	modified [2]time.Time
}

// load reads the files.
func (c *certFiles) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *certFiles) read() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("read the TLS certificate and its key: %w", err)
	}
	c.current, c.looked, c.modified = &pair, c.now(), c.stat()
	return nil
}

func (c *certFiles) stat() (modified [2]time.Time) {
	for i, name := range []string{c.cert, c.key} {
		if info, err := os.Stat(name); err == nil {
			modified[i] = info.ModTime()
		}
	}
	return modified
}

// certificate is tls.Config.GetCertificate. While the files cannot be read, or do
// not fit together yet, the certificate stays.
func (c *certFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < certFilesEvery {
		return c.current, nil
	}
	c.looked = now
	if c.stat() != c.modified {
		if err := c.read(); err != nil {
			c.log.Error("the renewed TLS certificate is of no use, the old one stays", "error", err)
		}
	}
	return c.current, nil
}
