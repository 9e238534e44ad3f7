package signin

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// MaxUsernameLength is how many bytes a user name may have.
const MaxUsernameLength = 128

const maxDisplay = 256 // bytes of a name or an address

// Directory is the local users document, parsed: a snapshot that does not
// change. nil is an empty one.
//
// The document is YAML, or JSON, in one key of a Secret:
//
//	users:
//	  - username: ada            # to sign in with; upper and lower case are one
//	    id: 7f3c1d               # stable, never given to anybody else: `sub` is user/7f3c1d
//	    passwordHash: $argon2id$v=19$m=19456,t=2,p=1$…$…   # clientele hash-password
//	    name: Ada Lovelace       # the rest is optional
//	    email: ada@example.com
//	    emailVerified: true
//	    roles: [admin]
//	    groups: [engineering]
//	    tenant: acme
//	    disabled: false
//
// Whoever is disabled, or given another passwordHash, is signed out everywhere and
// loses what apps may do for them, for good. Whoever is not there any more is refused
// as long as that is so: a document that lost somebody by mistake has cost nobody
// anything once it is repaired. So somebody who leaves is disabled first, and the
// entry may go a few minutes later.
type Directory struct {
	byName    map[string]*entry // by folded user name
	bySubject map[string]*entry
	// costs of all entries, in order; what an unknown user costs is one of them.
	costs []cost
	seed  maphash.Seed
}

// ParseDirectory reads the document. The error names the entry (by its position
// and line), the field, and what would be right. It quotes no value of a field: a
// hash put in a wrong field must not reach a log, nor people's names a status.
func ParseDirectory(data []byte) (*Directory, error) {
	nodes, err := documentNodes(data)
	if err != nil {
		return nil, fmt.Errorf("local users: %w", err)
	}
	d := &Directory{byName: map[string]*entry{}, bySubject: map[string]*entry{}, seed: maphash.MakeSeed()}
	for i, node := range nodes {
		e, err := readEntry(node)
		if e.at = i; err == nil {
			err = d.add(&e)
		}
		if err != nil {
			return nil, fmt.Errorf("local users: users[%d], line %d: %w", i, node.Line, err)
		}
	}
	return d, nil
}

// Len is the number of users, disabled ones included.
func (d *Directory) Len() int {
	if d == nil {
		return 0
	}
	return len(d.byName)
}

// entry is the user with a `sub`, disabled or not; nil: there is none.
func (d *Directory) entry(subject string) *entry {
	if d == nil {
		return nil
	}
	return d.bySubject[subject]
}

// Format writes how many users there are, whatever the verb: the hashes stay
// inside.
func (d *Directory) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%d local users", d.Len()) }

func (d *Directory) add(e *entry) error {
	name := store.FoldUsername(e.user.Username)
	if other := d.byName[name]; other != nil {
		return fmt.Errorf("username: the same as that of users[%d] (upper and lower case are one)", other.at)
	}
	if other := d.bySubject[e.user.Subject]; other != nil {
		return fmt.Errorf("id: the same as that of users[%d]; they would be one person", other.at)
	}
	d.byName[name], d.bySubject[e.user.Subject] = e, e
	d.costs = append(d.costs, e.hash.cost)
	return nil
}

// find returns the user of that name, disabled or not, and the hash to check a
// password against: for an unknown name a dummy, which costs what that of a real
// user costs. Which real user is chosen by the name, so that guessing the same
// name again takes the same time again.
func (d *Directory) find(username string) (*entry, passwordHash) {
	name := store.FoldUsername(username)
	if d == nil || len(d.costs) == 0 {
		return nil, defaultCost.dummy()
	}
	pick := d.costs[maphash.String(d.seed, name)%uint64(len(d.costs))]
	if e := d.byName[name]; e != nil {
		return e, e.hash
	}
	return nil, pick.dummy()
}

// ValidUsername tells whether somebody may be called that here.
func ValidUsername(s string) bool {
	if s == "" || len(s) > MaxUsernameLength || !oauth.Displayable(s) || strings.HasPrefix(s, "$argon2") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) < 0
}

// CheckUsernameSought says why nobody who is signed in, by a provider of whatever
// customs or here, can have that user name; nil: somebody may.
func CheckUsernameSought(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > maxDisplay:
		return fmt.Errorf("has %d bytes, and nobody's more than %d", len(s), maxDisplay)
	case !displayable(s):
		return errors.New("has control characters, or such that turn text round")
	}
	return nil
}

func displayable(s string) bool {
	return len(s) <= maxDisplay && utf8.ValidString(s) && oauth.Displayable(s)
}
