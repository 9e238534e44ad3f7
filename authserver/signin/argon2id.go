package signin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"clientele.dev/clientele/authserver/credential"
)

// MaxPasswordLength is how many bytes a password may have. A form with a longer
// one is refused like a wrong password.
const MaxPasswordLength = 1024

// cost are the parameters of Argon2id (RFC 9106, Section 3.1).
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	lanes   uint8
	saltLen int // bytes
	keyLen  int // bytes
}

// defaultCost is what HashPassword uses: the parameters that OWASP's Password
// Storage Cheat Sheet names first for Argon2id. RFC 9106, Section 4 has 64 MiB
// and 3 passes for machines with memory to spare. Here anybody on the network
// may ask for a hash, so the memory of one guess, times the guesses at a time,
// is what a flood costs us; a document may bring stronger hashes.
var defaultCost = cost{memory: 19 * 1024, passes: 2, lanes: 1, saltLen: 16, keyLen: 32}

// Bounds of the hashes that a document may bring. At the lower one memory times
// passes equals that of the weakest setting OWASP lists (7 MiB, 5 passes); at
// the upper one a guess still takes less than a second.
const (
	minMemory     = 7 * 1024
	maxMemory     = 256 * 1024
	minWork       = 35 * 1024 // KiB times passes
	maxPasses     = 16
	maxLanes      = 16
	minSaltLen    = 8 // RFC 9106, Section 3.1
	maxHashField  = 64
	minHashKeyLen = 16
)

// passwordHash is a parsed hash. It redacts itself.
type passwordHash struct {
	cost
	salt, key []byte
}

// Format writes "[redacted]".
func (passwordHash) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// HashPassword makes the PHC string of a password, with a new salt:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>. The password must have 1 to
// MaxPasswordLength bytes.
func HashPassword(password credential.Secret) (string, error) {
	text := password.Reveal()
	if text == "" || len(text) > MaxPasswordLength {
		return "", fmt.Errorf("the password has %d bytes, want 1 to %d", len(text), MaxPasswordLength)
	}
	// The salt's characters are the salt: an id has 128 random bits, which is
	// what RFC 9106, Section 3.1 recommends, and no reader of a PHC string cares
	// what they look like.
	c := defaultCost
	salt := []byte(credential.NewID())
	c.saltLen = len(salt)
	key := c.derive(text, salt)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func (c cost) derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(c.keyLen))
}

// matches tells whether password is the one that was hashed.
func (h passwordHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, h.salt), h.key) == 1
}

// dummy is a hash that costs as much as one with these parameters and that no
// password matches.
func (c cost) dummy() passwordHash {
	return passwordHash{cost: c, salt: make([]byte, c.saltLen)}
}

var errNotArgon2id = errors.New("not an Argon2id hash of the form $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>; `clientele hash-password` makes one")

// parseHash reads a PHC string. Its errors quote nothing of it but numbers.
func parseHash(phc string) (passwordHash, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return passwordHash{}, errNotArgon2id
	}
	c, err := parseCost(parts[3])
	if err != nil {
		return passwordHash{}, err
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || keyErr != nil {
		return passwordHash{}, errNotArgon2id
	}
	if len(salt) < minSaltLen || len(salt) > maxHashField {
		return passwordHash{}, fmt.Errorf("its salt has %d bytes, want %d to %d", len(salt), minSaltLen, maxHashField)
	}
	if len(key) < minHashKeyLen || len(key) > maxHashField {
		return passwordHash{}, fmt.Errorf("its hash has %d bytes, want %d to %d", len(key), minHashKeyLen, maxHashField)
	}
	c.saltLen, c.keyLen = len(salt), len(key)
	return passwordHash{cost: c, salt: salt, key: key}, nil
}

// stampOf names a hash where the hash itself must not lie: with sessions and
// families. Another password has another one, and so has the same password hashed
// anew, for the salt is in it. Who can read the database can try no password out
// with it: that takes the salt.
func stampOf(phc string) string {
	sum := sha256.Sum256([]byte("clientele password stamp\x00" + phc))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// parseCost reads "m=19456,t=2,p=1".
func parseCost(s string) (cost, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return cost{}, errNotArgon2id
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		value, err := strconv.ParseUint(digits, 10, 31)
		if !ok || err != nil {
			return cost{}, errNotArgon2id
		}
		n[i] = value
	}
	memory, passes, lanes := n[0], n[1], n[2]
	switch {
	case memory < minMemory, memory > maxMemory:
		return cost{}, fmt.Errorf("its memory is m=%d KiB, want %d to %d", memory, minMemory, maxMemory)
	case passes < 1, passes > maxPasses:
		return cost{}, fmt.Errorf("it makes t=%d passes, want 1 to %d", passes, maxPasses)
	case lanes < 1, lanes > maxLanes:
		return cost{}, fmt.Errorf("it has p=%d lanes, want 1 to %d", lanes, maxLanes)
	case memory*passes < minWork:
		return cost{}, fmt.Errorf("m=%d with t=%d is too cheap to guess; use m=19456,t=2,p=1 or more", memory, passes)
	}
	return cost{memory: uint32(memory), passes: uint32(passes), lanes: uint8(lanes)}, nil
}
