package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/hack/testenv"
)

// writeCertificate writes a self-signed certificate and its key.
func writeCertificate(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenewedCertificateIsServed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	if _, err := certificate(t.Context(), "--tls", certFile, keyFile, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error without files")
	}
	if _, err := certificate(t.Context(), "--registrar-tls", certFile, "", nil); err == nil || !strings.Contains(err.Error(), "--registrar-tls-key-file belong together: want both or neither") {
		t.Errorf("error %v, want that a key file is needed", err)
	}
	if c, err := certificate(t.Context(), "--tls", "", "", nil); c != nil || err != nil {
		t.Errorf("without flags: %v", err)
	}
	writeCertificate(t, dir, 1)
	get, err := certificate(t.Context(), "--tls", certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(serial int64) bool {
		c, err := get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64() == serial
	}
	if !serves(1) {
		t.Error("another certificate is served")
	}
	writeCertificate(t, dir, 2)
	testenv.Eventually(t, "the renewed certificate is served", func() bool { return serves(2) })
	if err := os.WriteFile(keyFile, []byte("cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !serves(2) {
		t.Error("a broken key replaces the certificate")
	}
	writeCertificate(t, dir, 3)
	testenv.Eventually(t, "the next certificate is served", func() bool { return serves(3) })
}
