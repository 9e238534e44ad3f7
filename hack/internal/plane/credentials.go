package plane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// credentials are what the API server is started with. All files are 0600.
type credentials struct {
	adminToken string // bearer token of a member of system:masters
	tokenFile  string // --token-auth-file that names it
	signingKey string // PEM private key that signs ServiceAccount tokens
}

func newCredentials(dir string) (credentials, error) {
	c := credentials{
		adminToken: rand.Text(),
		tokenFile:  filepath.Join(dir, "tokens.csv"),
		signingKey: filepath.Join(dir, "serviceaccount.key"),
	}
	line := c.adminToken + `,admin,admin,"system:masters"` + "\n"
	if err := os.WriteFile(c.tokenFile, []byte(line), 0o600); err != nil {
		return credentials{}, fmt.Errorf("write the admin's token: %w", err)
	}
	if err := writeSigningKey(c.signingKey); err != nil {
		return credentials{}, fmt.Errorf("write the ServiceAccount signing key: %w", err)
	}
	return c, nil
}

func writeSigningKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return os.WriteFile(path, block, 0o600)
}
