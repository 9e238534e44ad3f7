package signin

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Bounds of the local users document.
const (
	maxDocument = 1 << 20 // bytes: what a Secret can hold
	maxUsers    = 5000
	maxList     = 100 // roles or groups of one user
	maxItem     = 128 // bytes of one
)

// entry is one user of the document, as read and checked field by field.
type entry struct {
	user     User
	hash     passwordHash
	disabled bool
	at       int // its position in the document
}

// documentNodes finds the list of users in a document.
func documentNodes(data []byte) ([]*yaml.Node, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it has %d bytes, want at most %d", len(data), maxDocument)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, syntaxError(err)
	}
	if root.Kind == 0 {
		return nil, nil // empty
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode || len(top.Content) != 2 || top.Content[0].Value != "users" {
		return nil, fmt.Errorf("line %d: want one key, users, with the list of users", top.Line)
	}
	list := top.Content[1]
	if list.Kind == yaml.ScalarNode && list.Tag == "!!null" {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: users: want a list", list.Line)
	}
	if len(list.Content) > maxUsers {
		return nil, fmt.Errorf("users: there are %d, want at most %d; more belong into an OpenID provider", len(list.Content), maxUsers)
	}
	return list.Content, nil
}

// syntaxError keeps the line of a YAML error and drops the rest, for that may
// quote the document.
func syntaxError(err error) error {
	if _, rest, ok := strings.Cut(err.Error(), "line "); ok {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if digits != "" {
			return fmt.Errorf("line %s: not YAML (or JSON)", digits)
		}
	}
	return fmt.Errorf("not YAML (or JSON)")
}

// readEntry reads one user. Its errors name the field and what would be right;
// they quote no value.
func readEntry(node *yaml.Node) (entry, error) {
	if node.Kind != yaml.MappingNode {
		return entry{}, fmt.Errorf("want a user with username, id and passwordHash")
	}
	e := entry{user: User{Source: store.Source{Name: SourceLocal}}}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := node.Content[i].Value
		read, known := fields[name]
		if !known {
			return e, fmt.Errorf("line %d: unknown field; want one of %s", node.Content[i].Line, fieldNames)
		}
		if seen[name] {
			return e, fmt.Errorf("%s: given twice", name)
		}
		seen[name] = true
		if err := read(&e, node.Content[i+1]); err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range []string{"username", "id", "passwordHash"} {
		if !seen[name] {
			return e, fmt.Errorf("%s: missing", name)
		}
	}
	return e, nil
}

const fieldNames = "username, id, passwordHash, name, email, emailVerified, roles, groups, tenant, disabled"

var fields = map[string]func(*entry, *yaml.Node) error{
	"username": func(e *entry, n *yaml.Node) (err error) {
		e.user.Username, err = readText(n)
		if err == nil && !ValidUsername(e.user.Username) {
			err = fmt.Errorf("want 1 to %d characters, none of them a space or a control character", MaxUsernameLength)
		}
		return err
	},
	"id": func(e *entry, n *yaml.Node) error {
		id, err := readText(n)
		if err == nil && !oauth.ValidUserID(id) {
			err = fmt.Errorf("want 1 to %d of the characters A-Z a-z 0-9 . _ ~ - (but not . or ..), and never the id of another person, present or past", oauth.MaxUserIDLength)
		}
		e.user.Subject = oauth.LocalSubject(id)
		return err
	},
	"passwordHash": func(e *entry, n *yaml.Node) error {
		phc, err := readText(n)
		if err == nil {
			e.hash, err = parseHash(phc)
			e.user.Source.Stamp = stampOf(phc)
		}
		return err
	},
	"name":          func(e *entry, n *yaml.Node) (err error) { e.user.Name, err = readLine(n); return err },
	"email":         func(e *entry, n *yaml.Node) (err error) { e.user.Email, err = readEmail(n); return err },
	"emailVerified": func(e *entry, n *yaml.Node) (err error) { e.user.EmailVerified, err = readBool(n); return err },
	"roles":         func(e *entry, n *yaml.Node) (err error) { e.user.Roles, err = readList(n); return err },
	"groups":        func(e *entry, n *yaml.Node) (err error) { e.user.Groups, err = readList(n); return err },
	"tenant":        func(e *entry, n *yaml.Node) (err error) { e.user.Tenant, err = readLine(n); return err },
	"disabled":      func(e *entry, n *yaml.Node) (err error) { e.disabled, err = readBool(n); return err },
}

func readText(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
		return "", fmt.Errorf("want a string, in quotes where it looks like something else")
	}
	return n.Value, nil
}

func readLine(n *yaml.Node) (string, error) {
	s, err := readText(n)
	if err == nil && !displayable(s) {
		err = fmt.Errorf("want text on one line, without control characters, of at most %d bytes", maxDisplay)
	}
	return s, err
}

func readEmail(n *yaml.Node) (string, error) {
	s, err := readLine(n)
	if at := strings.LastIndexByte(s, '@'); err == nil && (at < 1 || at == len(s)-1 || strings.ContainsAny(s, " \t")) {
		err = fmt.Errorf("want an address like person@example.com")
	}
	return s, err
}

func readBool(n *yaml.Node) (bool, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!bool" {
		switch n.Value {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, fmt.Errorf("want true or false")
}

func readList(n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) > maxList {
		return nil, fmt.Errorf("want a list of at most %d strings", maxList)
	}
	var out []string
	for _, item := range n.Content {
		s, err := readText(item)
		if err != nil || s == "" || len(s) > maxItem || !displayable(s) {
			return nil, fmt.Errorf("want strings of 1 to %d bytes", maxItem)
		}
		out = append(out, s)
	}
	return out, nil
}
