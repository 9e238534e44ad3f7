package oauth

import (
	"slices"
	"strings"
	"testing"
)

func TestParseResponseType(t *testing.T) {
	for in, code := range map[string]Code{
		"code":          "",
		"":              CodeInvalidRequest,
		"token":         CodeUnsupportedResponseType,
		"id_token":      CodeUnsupportedResponseType,
		"code id_token": CodeUnsupportedResponseType,
		"none":          CodeUnsupportedResponseType,
		"Code":          CodeUnsupportedResponseType,
		" code":         CodeUnsupportedResponseType,
	} {
		got, err := ParseResponseType(in)
		if CodeOf(err) != code || (got == ResponseCode) != (err == nil) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func TestParseResponseMode(t *testing.T) {
	for in, want := range map[string]ResponseMode{
		"": ResponseModeQuery, "query": ResponseModeQuery, "form_post": ResponseModeFormPost,
		"fragment": "", "web_message": "", "jwt": "", "Query": "", "query ": "",
	} {
		got, err := ParseResponseMode(in)
		if got != want || (want == "") != (CodeOf(err) == CodeInvalidRequest) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

func TestParsePrompt(t *testing.T) {
	for in, want := range map[string]Prompt{
		"":                           0,
		"none":                       PromptNone,
		"login":                      PromptLogin,
		"consent login":              PromptLogin | PromptConsent,
		"login consent login":        PromptLogin | PromptConsent,
		"select_account":             PromptSelectAccount,
		"login consent":              PromptLogin | PromptConsent,
		" login  consent ":           PromptLogin | PromptConsent, // B1
		"consent select_account":     PromptConsent | PromptSelectAccount,
		"select_account login":       PromptLogin | PromptSelectAccount,
		"login select_account login": PromptLogin | PromptSelectAccount,
	} {
		got, err := ParsePrompt(in)
		if err != nil || got != want {
			t.Errorf("%q: got %s, %v", in, got, err)
		}
		if again, err := ParsePrompt(got.String()); err != nil || again != got {
			t.Errorf("%q: %s became %s, %v", in, got, again, err)
		}
	}
	for _, in := range []string{"none login", "login none", "create", "Login", "login,consent", "none  login", strings.Repeat("a", 1<<16)} {
		if got, err := ParsePrompt(in); CodeOf(err) != CodeInvalidRequest || got != 0 {
			t.Errorf("%q: got %s, %v", in, got, err)
		}
	}
}

func TestSupportedPromptsAreParsed(t *testing.T) {
	for _, name := range SupportedPrompts() {
		if p, err := ParsePrompt(name); err != nil || p.String() != name {
			t.Errorf("%s: %s, %v", name, p, err)
		}
	}
	list := append(SupportedPrompts(), "x")
	if slices.Contains(SupportedPrompts(), list[4]) {
		t.Error("the list was changed through its answer")
	}
}

func TestParseMaxAge(t *testing.T) {
	for in, c := range map[string]struct {
		seconds int64
		given   bool
		bad     bool
	}{
		"":                      {},
		"0":                     {given: true},
		"3600":                  {seconds: 3600, given: true},
		"007":                   {seconds: 7, given: true},
		"999999999999999999":    {seconds: maxMaxAge, given: true},
		"9999999999999999999":   {bad: true},
		"-1":                    {bad: true},
		"+1":                    {bad: true},
		"1.5":                   {bad: true},
		" 1":                    {bad: true},
		"1h":                    {bad: true},
		"١":                     {bad: true},
		strings.Repeat("9", 99): {bad: true},
	} {
		seconds, given, err := ParseMaxAge(in)
		if seconds != c.seconds || given != c.given || c.bad != (CodeOf(err) == CodeInvalidRequest) {
			t.Errorf("%q: got %d, %t, %v", in, seconds, given, err)
		}
	}
}
