package credential

import (
	"crypto/rand"
	"encoding/hex"
)

// NewClientID makes the id of a client that registers itself: a random UUID (RFC
// 9562, Section 5.4). It is not a secret. It has no dot, and so cannot be what an
// OAuthClient's id is by default (<namespace>.<name>).
func NewClientID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
