package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
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

// Kubelet swaps a symbolic link of the whole folder: a new pair appears at once, and the
// old folder goes. A pair that does not belong together is never served.
func TestRenewedSecretIsServed(t *testing.T) {
	dir := t.TempDir()
	succeed := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mount := func(name string, fill func(folder string)) {
		t.Helper()
		data := filepath.Join(dir, "..data")
		old, _ := os.Readlink(data)
		succeed(os.Mkdir(filepath.Join(dir, name), 0o700))
		fill(filepath.Join(dir, name))
		succeed(os.Symlink(name, data+"_tmp"))
		succeed(os.Rename(data+"_tmp", data))
		if old != "" {
			succeed(os.RemoveAll(filepath.Join(dir, old)))
		}
	}
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for _, file := range []string{"tls.crt", "tls.key"} {
		succeed(os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)))
	}
	mount("..1", func(folder string) { writeCertificate(t, folder, 1) })
	get, err := certificate(t.Context(), "--tls", certFile, keyFile, slog.New(slog.DiscardHandler))
	succeed(err)
	serves := func() int64 {
		c, err := get(nil)
		succeed(err)
		return c.Leaf.SerialNumber.Int64()
	}
	for serial := int64(2); serial < 4; serial++ {
		mount(fmt.Sprint("..good", serial), func(folder string) { writeCertificate(t, folder, serial) })
		testenv.Eventually(t, "the renewed certificate is served", func() bool { return serves() == serial })
		mount(fmt.Sprint("..bad", serial), func(folder string) {
			other := t.TempDir()
			writeCertificate(t, folder, 90+serial)
			writeCertificate(t, other, 80+serial)
			succeed(os.Rename(filepath.Join(other, "tls.key"), filepath.Join(folder, "tls.key")))
		})
		if got := serves(); got != serial {
			t.Errorf("certificate %d is served after a pair that does not belong together, want %d", got, serial)
		}
	}
}
