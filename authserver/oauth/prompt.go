package oauth

import (
	"strconv"
	"strings"
)

// Prompt is the set of values of the prompt parameter (OpenID Connect Core 1.0,
// Section 3.1.2.1). The zero value is the empty set.
type Prompt uint8

// The values of prompt.
const (
	// PromptNone: show no page; what would need one is an error. It stands alone.
	PromptNone Prompt = 1 << iota
	// PromptLogin: sign in again, whatever session there is.
	PromptLogin
	// PromptConsent: ask for consent again, whatever was consented to before.
	PromptConsent
	// PromptSelectAccount: let the user choose an account.
	PromptSelectAccount
)

// promptNames in the order of the constants.
var promptNames = [...]string{"none", "login", "consent", "select_account"}

// SupportedPrompts lists what ParsePrompt accepts, for the metadata.
func SupportedPrompts() []string { return promptNames[:len(promptNames):len(promptNames)] }

// Has reports whether the set has a value.
func (p Prompt) Has(value Prompt) bool { return p&value != 0 }

// String is the set in the form of the parameter.
func (p Prompt) String() string {
	var names []string
	for i, name := range promptNames {
		if p.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// ParsePrompt reads a prompt parameter: values parted by spaces; empty items are ignored,
// as in a scope. The error is an invalid_request, for an unknown value and for none beside another (OpenID
// Connect Core 1.0, Section 3.1.2.1).
func ParsePrompt(s string) (Prompt, error) {
	var set Prompt
	for name := range strings.SplitSeq(s, " ") {
		if name == "" {
			continue
		}
		value := promptOf(name)
		if value == 0 {
			return 0, InvalidRequest("prompt must be of %s, parted by spaces", strings.Join(promptNames[:], ", "))
		}
		set |= value
	}
	if set.Has(PromptNone) && set != PromptNone {
		return 0, InvalidRequest("prompt none must stand alone")
	}
	return set, nil
}

func promptOf(name string) Prompt {
	for i, known := range promptNames {
		if name == known {
			return 1 << i
		}
	}
	return 0
}

// maxMaxAge bounds max_age: ten years, longer than any session.
const maxMaxAge = 10 * 365 * 24 * 60 * 60

// ParseMaxAge reads a max_age parameter: how many seconds ago the user may have
// signed in (OpenID Connect Core 1.0, Section 3.1.2.1). 0 means now, as prompt
// login does; given is false if the parameter is empty. What is longer than ten
// years is cut to that. The error is an invalid_request.
func ParseMaxAge(s string) (seconds int64, given bool, err error) {
	if s == "" {
		return 0, false, nil
	}
	const maxDigits = 18 // fits an int64
	if len(s) > maxDigits || strings.Trim(s, "0123456789") != "" {
		return 0, false, InvalidRequest("max_age must be a number of seconds")
	}
	seconds, err = strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, false, InvalidRequest("max_age must be a number of seconds").WithCause(err)
	}
	return min(seconds, maxMaxAge), true, nil
}
