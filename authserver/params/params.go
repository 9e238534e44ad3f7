// Package params reads application/x-www-form-urlencoded request parameters,
// once, strictly, and with few allocations. Standard library only.
package params

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"clientele.dev/clientele/authserver/oauth"
)

// Bounds of a request: more than any grant needs, little enough that looking a
// parameter up by walking the list stays cheap.
const (
	maxParams     = 64
	maxNameLength = 128
)

// Params are the parameters of one request in the order of arrival. A parameter
// without a value counts as omitted (RFC 6749, Section 3.1 and 3.2).
type Params struct {
	list []pair
}

type pair struct{ name, value string }

// Parse reads a form. A parameter that is there twice is refused (RFC 6749,
// Section 3.2), apart from those in repeatable (`resource`, RFC 8707, Section
// 2). Names that nobody knows are kept: unknown parameters are ignored by not
// being asked for. The error is an *oauth.Error with code invalid_request.
func Parse(form string, repeatable ...string) (Params, error) {
	p := Params{list: make([]pair, 0, 8)}
	for form != "" {
		var field string
		field, form, _ = strings.Cut(form, "&")
		if field == "" {
			continue
		}
		if err := p.add(field, repeatable); err != nil {
			return Params{}, err
		}
	}
	return p, nil
}

func (p *Params) add(field string, repeatable []string) error {
	rawName, rawValue, _ := strings.Cut(field, "=")
	name, err := url.QueryUnescape(rawName)
	if err != nil || len(name) > maxNameLength {
		return oauth.InvalidRequest("a parameter name is not form-urlencoded or is too long")
	}
	value, err := url.QueryUnescape(rawValue)
	if err != nil {
		return oauth.InvalidRequest("the value of a parameter is not form-urlencoded")
	}
	if !Text(value) {
		return oauth.InvalidRequest("the value of a parameter is no text")
	}
	if p.has(name) && !contains(repeatable, name) {
		return oauth.InvalidRequest("a parameter is included more than once (RFC 6749, Section 3.2)")
	}
	if len(p.list) == maxParams {
		return oauth.InvalidRequest("too many parameters")
	}
	p.list = append(p.list, pair{name, value})
	return nil
}

// Text says whether s is UTF-8 without the character 0. Nothing of OAuth has
// other values (RFC 6749, Appendix A), and a database may be unable to look for
// them, which would make anybody's request an outage.
func Text(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// has also sees parameters without a value, so that `a=&a=x` is a duplicate.
func (p *Params) has(name string) bool {
	for i := range p.list {
		if p.list[i].name == name {
			return true
		}
	}
	return false
}

// Get returns the value of a parameter, "" if it was omitted.
func (p *Params) Get(name string) string {
	for i := range p.list {
		if p.list[i].name == name {
			return p.list[i].value
		}
	}
	return ""
}

// All returns the values of a repeatable parameter, without empty ones.
func (p *Params) All(name string) []string {
	var all []string
	for i := range p.list {
		if p.list[i].name == name && p.list[i].value != "" {
			all = append(all, p.list[i].value)
		}
	}
	return all
}

// Names returns the names of all parameters that came, for the audit log.
func (p *Params) Names() []string {
	names := make([]string, len(p.list))
	for i := range p.list {
		names[i] = p.list[i].name
	}
	return names
}
