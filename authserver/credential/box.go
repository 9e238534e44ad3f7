package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrBox says that a box is not one of these keys for this purpose: cut off,
// edited, made for something else, or under a key that is gone. It says no more,
// for whoever presents a box may have made it up.
var ErrBox = errors.New("not a box of these keys for this purpose")

const (
	boxLabel    = "clientele/box/1\x00"
	boxSaltLen  = 16 // bytes
	boxNonceLen = 12 // bytes, before the ciphertext
	boxTagLen   = 16 // bytes, after it
	boxKeyLen   = 32 // bytes: AES-256
)

// boxText is base64url without padding, and strict: of two texts that differ only
// in unused bits, one is refused.
var boxText = base64.RawURLEncoding.Strict()

// SealBox encrypts and authenticates plaintext under the newest key, for one
// purpose: a box of one never opens for another. The box is "v<version>." and
// base64url, so it needs no escaping in a URL or a cookie; it is 4/3 of the
// plaintext and 65 characters longer.
//
// Each box has an AES-256-GCM key of its own, by HKDF-SHA-256 (RFC 5869) with a
// random salt: however many anonymous visitors have something sealed, the limit of
// random nonces under one key (NIST SP 800-38D, Section 8.3) is never met.
func (k ServerKeys) SealBox(purpose string, plaintext []byte) (string, error) {
	newest := k.newest()
	salt := make([]byte, boxSaltLen, boxSaltLen+boxNonceLen+len(plaintext)+boxTagLen)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	aead, err := newest.box(purpose, salt)
	if err != nil {
		return "", fmt.Errorf("seal a box: %w", err)
	}
	sealed := aead.Seal(salt, nil, plaintext, nil)
	return "v" + strconv.Itoa(newest.Version) + "." + boxText.EncodeToString(sealed), nil
}

// OpenBox gives back what was sealed for the purpose under any of the keys, or
// ErrBox.
func (k ServerKeys) OpenBox(purpose, box string) ([]byte, error) {
	name, text, _ := strings.Cut(box, ".")
	key, ok := k.named(name)
	if !ok {
		return nil, ErrBox
	}
	sealed, err := boxText.DecodeString(text)
	if err != nil || len(sealed) < boxSaltLen || strings.ContainsAny(text, "\r\n") {
		return nil, ErrBox // the decoder skips line breaks: another text of the same box
	}
	aead, err := key.box(purpose, sealed[:boxSaltLen])
	if err != nil {
		return nil, ErrBox
	}
	plaintext, err := aead.Open(nil, nil, sealed[boxSaltLen:], nil)
	if err != nil {
		return nil, ErrBox
	}
	return plaintext, nil
}

// named finds the key that "v<version>" names, written as SealBox writes it.
func (k ServerKeys) named(name string) (ServerKey, bool) {
	for _, key := range k.Keys {
		if name == "v"+strconv.Itoa(key.Version) {
			return key, true
		}
	}
	return ServerKey{}, false
}

// box is the cipher of one box. It prepends its nonce to what it seals.
func (k ServerKey) box(purpose string, salt []byte) (cipher.AEAD, error) {
	if len(k.Key) != serverKeyLen {
		return nil, errors.New("there is no server key")
	}
	key, err := hkdf.Key(sha256.New, k.Key, salt, boxLabel+purpose, boxKeyLen)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
