package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// The ceilings run in processes of their own with GOMAXPROCS=1, as the server
// does, so that all three are measured alike.

// signCeiling prints how fast one core makes bare signatures, verifyCeiling how
// fast it checks them.
func signCeiling(algorithm string, d time.Duration) error {
	digest := sha256.Sum256([]byte("as long as a token or not, only its digest is signed"))
	sign, err := bareSigner(algorithm)
	if err != nil {
		return err
	}
	return again(d, func() error { return sign(digest[:]) })
}

func verifyCeiling(d time.Duration) error {
	digest := sha256.Sum256([]byte("as long as a token or not, only its digest is signed"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		return err
	}
	return again(d, func() error {
		if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			return errors.New("a good signature does not verify")
		}
		return nil
	})
}

// again does something for a duration and prints how fast.
func again(d time.Duration, do func() error) error {
	m, err := newMeter()
	if err != nil {
		return err
	}
	n := 0
	for time.Since(m.begin) < d {
		for range 16 {
			if err := do(); err != nil {
				return err
			}
		}
		n += 16
	}
	return m.stop(n)
}

func bareSigner(algorithm string) (func(digest []byte) error, error) {
	switch algorithm {
	case "ES256":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return func(digest []byte) error {
			_, err := ecdsa.SignASN1(rand.Reader, key, digest)
			return err
		}, err
	case "RS256":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		return func(digest []byte) error {
			_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
			return err
		}, err
	}
	return nil, fmt.Errorf("no ceiling for algorithm %q", algorithm)
}

// httpCeiling serves a constant answer of a size to a form it reads, on a free
// loopback port that it prints, until the standard input ends.
func httpCeiling(size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	answer := make([]byte, n)
	for i := range answer {
		answer[i] = 'x'
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if _, err := w.Write(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})}
	fmt.Println(listener.Addr())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); _ = server.Close() }()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
