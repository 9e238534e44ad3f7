package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// The first bytes of everything that is MACed: no message of one purpose can be
// one of the other.
const (
	sealLabel = "clientele/seal/1\x00"
	macLabel  = "clientele/mac/1\x00"
)

// macTextLen is the length of a MAC in base64url: 43 characters.
const macTextLen = (sha256.Size*8 + 5) / 6

// Seal returns what is stored of a secret: "v", the version of the newest key,
// ":", and the base64url HMAC-SHA-256 of the secret's SHA-256, which comes in as
// hexadecimal (Hash). What is not 64 hexadecimal digits seals to "", which
// matches nothing.
func (k ServerKeys) Seal(hexSHA256 string) string {
	var sum [sha256.Size]byte
	if len(hexSHA256) != hex.EncodedLen(len(sum)) || len(k.Keys) == 0 {
		return ""
	}
	if _, err := hex.Decode(sum[:], []byte(hexSHA256)); err != nil {
		return ""
	}
	newest := k.newest()
	return versioned(newest.Version, newest.seal(sum))
}

// Match tells, in constant time, whether presented is the secret that was sealed.
func (k ServerKeys) Match(sealed, presented string) bool {
	sum := sha256.Sum256([]byte(presented))
	key, text, ok := k.split(sealed)
	want := key.seal(sum)
	return subtle.ConstantTimeCompare(want[:], []byte(text)) == 1 && ok
}

// MatchAny tells whether presented is one of the sealed secrets. It looks at all
// of them, whichever matches, and takes as long for none as for one: how long it
// takes tells at most how many there are.
func (k ServerKeys) MatchAny(sealed []string, presented string) bool {
	sum := sha256.Sum256([]byte(presented))
	if len(sealed) == 0 {
		_ = k.newest().seal(sum)
		return false
	}
	var (
		found   int
		version = -1
		want    [macTextLen]byte
	)
	for _, s := range sealed {
		key, text, ok := k.split(s)
		if key.Version != version {
			version, want = key.Version, key.seal(sum)
		}
		if ok {
			found |= subtle.ConstantTimeCompare(want[:], []byte(text))
		}
	}
	return found == 1
}

// MAC authenticates data under the newest key: "v<version>:" and a base64url
// HMAC-SHA-256. domain names the purpose; a MAC of one never verifies for another.
func (k ServerKeys) MAC(domain string, data []byte) string {
	newest := k.newest()
	if len(newest.Key) == 0 {
		return ""
	}
	return versioned(newest.Version, newest.mac(domain, data))
}

// VerifyMAC tells, in constant time, whether mac is the MAC of data for domain
// under any of the keys.
func (k ServerKeys) VerifyMAC(mac, domain string, data []byte) bool {
	key, text, ok := k.split(mac)
	if !ok {
		return false
	}
	want := key.mac(domain, data)
	return subtle.ConstantTimeCompare(want[:], []byte(text)) == 1
}

// Ahead tells whether a MAC, or what Seal gave, names a newer key than there is here:
// another replica may have it already.
func (k ServerKeys) Ahead(s string) bool {
	rest, _ := strings.CutPrefix(s, "v")
	number, _, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(number)
	return err == nil && version > k.newest().Version
}

// newest returns the last key; an empty one, which matches nothing, where there
// is none.
func (k ServerKeys) newest() ServerKey {
	if len(k.Keys) == 0 {
		return ServerKey{}
	}
	return k.Keys[len(k.Keys)-1]
}

// split takes "v<version>:<text>" apart and finds the key. Where it cannot, it
// returns the newest key, so that the caller's work takes as long, and false.
func (k ServerKeys) split(s string) (ServerKey, string, bool) {
	rest, hasV := strings.CutPrefix(s, "v")
	number, text, hasColon := strings.Cut(rest, ":")
	if !hasV || !hasColon || len(text) != macTextLen {
		return k.newest(), "", false
	}
	version, err := strconv.Atoi(number)
	if err != nil {
		return k.newest(), "", false
	}
	for i := range k.Keys {
		// Compared as text too: "v01:" is not how version 1 is written.
		if k.Keys[i].Version == version && number[0] != '0' && number[0] != '+' {
			return k.Keys[i], text, true
		}
	}
	return k.newest(), "", false
}

func versioned(version int, text [macTextLen]byte) string {
	out := make([]byte, 0, len("v1:")+macTextLen+2)
	out = append(out, 'v')
	out = strconv.AppendInt(out, int64(version), 10)
	out = append(out, ':')
	return string(append(out, text[:]...))
}

// seal is the keyed hash of a secret's SHA-256.
func (k ServerKey) seal(sum [sha256.Size]byte) [macTextLen]byte {
	return text(k.hmac([]byte(sealLabel), sum[:]))
}

// mac is HMAC over a label, the length of the domain, the domain and the data.
func (k ServerKey) mac(domain string, data []byte) [macTextLen]byte {
	return text(k.hmac([]byte(macLabel), binary.BigEndian.AppendUint64(nil, uint64(len(domain))), []byte(domain), data))
}

// hmac is HMAC-SHA-256 (RFC 2104) of all parts, one after the other.
func (k ServerKey) hmac(parts ...[]byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, k.Key)
	for _, part := range parts {
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// text of a MAC in base64url.
func text(sum [sha256.Size]byte) (out [macTextLen]byte) {
	base64.RawURLEncoding.Encode(out[:], sum[:])
	return out
}
