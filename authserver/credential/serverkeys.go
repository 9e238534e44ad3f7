package credential

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

const (
	serverKeyLen   = 32 // bytes; those of the hash, as RFC 2104, Section 3 advises
	maxServerKeys  = 16
	maxServerKeyID = 64
)

// ServerKeys are an authorization server's keys for keyed hashes and MACs. The
// newest one seals, all of them verify. Their loss makes every stored hash
// worthless and so counts as the loss of the store.
//
// Like a Secret they redact themselves; Marshal writes them.
type ServerKeys struct {
	// ID names these keys as a whole; it stays when a version is added. A store
	// is bound to it.
	ID string
	// Keys by rising version: never empty in what NewServerKeys and
	// ParseServerKeys return.
	Keys []ServerKey
}

// ServerKey is one version.
type ServerKey struct {
	// Version is greater than zero and unique among the keys.
	Version int
	// Key is 32 random bytes.
	Key []byte
	// Created is when it was made, in UTC.
	Created time.Time
}

// serverKeysJSON is the stored form, in the key `serverkeys.json` of the
// server-keys Secret.
type serverKeysJSON struct {
	ID   string          `json:"id"`
	Keys []serverKeyJSON `json:"keys"`
}

type serverKeyJSON struct {
	Version int       `json:"version"`
	Key     []byte    `json:"key"` // base64
	Created time.Time `json:"created"`
}

// NewServerKeys makes keys with a new id and one version, 1.
func NewServerKeys(now time.Time) (ServerKeys, error) {
	if now.IsZero() {
		return ServerKeys{}, errors.New("making server keys: the time is zero, want the present")
	}
	key := make([]byte, serverKeyLen)
	if _, err := rand.Read(key); err != nil {
		return ServerKeys{}, fmt.Errorf("making server keys: %w", err)
	}
	return ServerKeys{
		ID:   NewID(),
		Keys: []ServerKey{{Version: 1, Key: key, Created: now.UTC().Truncate(time.Second)}},
	}, nil
}

// ParseServerKeys reads what Marshal wrote. It refuses an empty id, no keys,
// keys of another length than 32 bytes, and versions that are not positive and
// unique.
func ParseServerKeys(data []byte) (ServerKeys, error) {
	var stored serverKeysJSON
	if err := json.Unmarshal(data, &stored); err != nil {
		// The error is not passed on: it may quote what it could not read.
		return ServerKeys{}, errors.New("server keys: not JSON of the form {\"id\", \"keys\": [{\"version\", \"key\", \"created\"}]}")
	}
	k := ServerKeys{ID: stored.ID}
	for _, key := range stored.Keys {
		k.Keys = append(k.Keys, ServerKey(key))
	}
	slices.SortFunc(k.Keys, func(a, b ServerKey) int { return a.Version - b.Version })
	if err := k.validate(); err != nil {
		return ServerKeys{}, fmt.Errorf("server keys: %w", err)
	}
	return k, nil
}

// Marshal writes the keys, in plain text, as JSON for the server-keys Secret.
func (k ServerKeys) Marshal() ([]byte, error) {
	if err := k.validate(); err != nil {
		return nil, fmt.Errorf("server keys: %w", err)
	}
	stored := serverKeysJSON{ID: k.ID}
	for _, key := range k.Keys {
		stored.Keys = append(stored.Keys, serverKeyJSON(key))
	}
	return json.Marshal(stored)
}

// Equal tells whether both hold the same keys.
func (k ServerKeys) Equal(other ServerKeys) bool {
	return k.ID == other.ID && slices.EqualFunc(k.Keys, other.Keys, func(a, b ServerKey) bool {
		return a.Version == b.Version && bytes.Equal(a.Key, b.Key) && a.Created.Equal(b.Created)
	})
}

// String names the keys by id; their bytes stay inside.
func (k ServerKeys) String() string { return "server keys " + k.ID + " " + redacted }

// GoString is String.
func (k ServerKeys) GoString() string { return k.String() }

// Format writes String for every verb.
func (k ServerKeys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k ServerKeys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, so that no structured log shows the keys.
func (k ServerKeys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// String names the key by version; its bytes stay inside.
func (k ServerKey) String() string { return fmt.Sprintf("server key v%d %s", k.Version, redacted) }

// GoString is String.
func (k ServerKey) GoString() string { return k.String() }

// Format writes String for every verb.
func (k ServerKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k ServerKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, so that no structured log shows the key.
func (k ServerKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func (k ServerKeys) validate() error {
	if k.ID == "" || len(k.ID) > maxServerKeyID {
		return fmt.Errorf("the id has %d bytes, want 1 to %d", len(k.ID), maxServerKeyID)
	}
	if len(k.Keys) == 0 || len(k.Keys) > maxServerKeys {
		return fmt.Errorf("there are %d keys, want 1 to %d", len(k.Keys), maxServerKeys)
	}
	last := 0
	for _, key := range k.Keys {
		if key.Version <= last {
			return fmt.Errorf("version %d follows version %d, want positive, unique and rising versions", key.Version, last)
		}
		if len(key.Key) != serverKeyLen {
			return fmt.Errorf("the key of version %d has %d bytes, want %d", key.Version, len(key.Key), serverKeyLen)
		}
		last = key.Version
	}
	return nil
}
