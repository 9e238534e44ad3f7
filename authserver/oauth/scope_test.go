package oauth

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func manyScopes(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "s" + strconv.Itoa(i)
	}
	return JoinScope(names)
}

func TestParseScope(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"empty is an empty list":          {"", nil},
		"one":                             {"read", []string{"read"}},
		"order is kept":                   {"b a", []string{"b", "a"}},
		"repeated ones are dropped":       {"a b a", []string{"a", "b"}},
		"case matters":                    {"a A", []string{"a", "A"}},
		"first and last characters":       {"!#[]~", []string{"!#[]~"}},
		"URLs are scopes":                 {"https://x.example/a?b=c", []string{"https://x.example/a?b=c"}},
		"longest":                         {strings.Repeat("a", MaxScopeLength), []string{strings.Repeat("a", MaxScopeLength)}},
		"B1 leading space":                {" a", []string{"a"}},
		"B1 trailing space":               {"a ", []string{"a"}},
		"B1 two spaces":                   {"a  b", []string{"a", "b"}},
		"B1 spaces only":                  {"   ", nil},
		"A15 as many as there may be, ok": {manyScopes(MaxScopes), strings.Split(manyScopes(MaxScopes), " ")},
	} {
		got, err := ParseScope(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestParseScopeRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"tab":                 "a\tb",
		"line break":          "a\nb",
		"NUL":                 "a\x00",
		"DEL":                 "a\x7f",
		"double quote":        `a"b`,
		"backslash":           `a\b`,
		"not ASCII":           "é",
		"not UTF-8":           "\xff",
		"A15 too long":        strings.Repeat("a", MaxScopeLength+1),
		"A15 too many":        manyScopes(MaxScopes + 1),
		"A15 repeated counts": strings.TrimSuffix(strings.Repeat("a ", MaxScopes+1), " "),
	} {
		got, err := ParseScope(in)
		if !errors.Is(err, InvalidScope("")) || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestValidScopeIsOneScope(t *testing.T) {
	for _, in := range []string{"", "a b"} {
		if err := ValidScope(in); !errors.Is(err, InvalidScope("")) {
			t.Errorf("%q: got %v", in, err)
		}
	}
	if err := ValidScope("a%20b"); err != nil {
		t.Error(err)
	}
}

func FuzzParseScope(f *testing.F) {
	for _, seed := range []string{"", "a", "a b a", " ", "a  b", `"`, "\x00", "é", manyScopes(101)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		scopes, err := ParseScope(in)
		if err != nil {
			if !errors.Is(err, InvalidScope("")) || len(err.Error()) > 700 {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		again, err := ParseScope(JoinScope(scopes))
		if err != nil || !slices.Equal(scopes, again) {
			t.Fatalf("%q: %q became %q (%v)", in, scopes, again, err)
		}
		if len(JoinScope(scopes)) > len(in) || len(scopes) > MaxScopes {
			t.Fatalf("%q: grew to %q", in, scopes)
		}
		for _, scope := range scopes {
			if strings.ContainsAny(scope, " \"\\\r\n\t") || scope == "" || !strings.Contains(in, scope) {
				t.Fatalf("%q: %q", in, scope)
			}
		}
	})
}
