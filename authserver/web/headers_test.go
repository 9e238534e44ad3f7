package web

import (
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// INTEROP 6: browsers hold every redirect after a form against form-action, the
// app's own ones too.
func TestFormActionLetsTheFormEndAtTheApp(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"https://app.example/cb?x=1":         "https:",
		"https://app.example:8443/cb":        "https:",
		"https://my_app.example/cb":          "https:",
		"http://127.0.0.1:3000/cb":           "http://127.0.0.1:3000 https:",
		"http://[::1]:3000/cb":               "http: https:",
		"com.example.app:/cb":                "com.example.app:",
		"javascript:alert(1)":                "",
		"data:text/html,x":                   "",
		"https://*/":                         "",
		"https://a.example;script-src *":     "",
		"https://a.example,b":                "",
		"http://a b.example/":                "",
		"http://u:p@localhost/":              "http://localhost https:",
		"https:opaque":                       "",
		"x;script-src *:/":                   "",
		"https://app.example'unsafe-inline'": "",
	} {
		if got := strings.Join(formTargets(in), " "); got != want {
			t.Errorf("formTargets(%q) = %q, want %q", in, got, want)
		}
	}
	if got := (policy{}).String(); !strings.Contains(got, "form-action 'self';") {
		t.Errorf("without a client: %s", got)
	}
	if got := (policy{redirectURI: "https://app.example/cb"}).String(); !strings.Contains(got, "form-action 'self' https:;") {
		t.Errorf("with a client: %s", got)
	}
	if got := (policy{redirectURI: "data:x", onlyThere: true}).String(); !strings.Contains(got, "form-action 'none';") {
		t.Errorf("with nowhere to go: %s", got)
	}
}

func TestAssetsAreServedUnderTheirHash(t *testing.T) {
	p := newPages(t)
	h := p.Assets()
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	name := regexp.MustCompile(`^/team/assets/[a-z]+-[0-9a-f]{12}\.(css|svg|js)$`)
	for _, a := range []asset{p.assets.style, p.assets.icon, p.assets.submit} {
		path := p.assetPath(a)
		w := get(path)
		if !name.MatchString(path) || w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") ||
			w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: status %d, headers %v", path, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/team/assets/", "/team/assets/clientele.css", "/assets/" + p.assets.style.name, "/team/assets/../pages.go"} {
		if w := get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
}

func TestStyleLoadsNothing(t *testing.T) {
	css := string(newPages(t).assets.style.content)
	for _, word := range []string{"url(", "@import", "@font-face", "http:", "https:"} {
		if strings.Contains(css, word) {
			t.Errorf("the stylesheet has %s", word)
		}
	}
	for _, word := range []string{"prefers-color-scheme: dark", ":focus-visible", "prefers-reduced-motion"} {
		if !strings.Contains(css, word) {
			t.Errorf("the stylesheet lacks %s", word)
		}
	}
}

// WCAG 2.2, 1.4.3 and 1.4.11, level AA, computed from the colours themselves.
func TestContrastInBothSchemes(t *testing.T) {
	light, dark := colours(t, string(newPages(t).assets.style.content))
	for scheme, c := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			front, back string
			ratio       float64
		}{
			{"text", "back", 4.5}, {"text", "card", 4.5}, {"quiet", "back", 4.5}, {"quiet", "card", 4.5}, {"link", "card", 4.5},
			{"on-accent", "accent", 4.5}, {"on-accent", "accent-over", 4.5}, {"danger", "card", 4.5}, {"danger", "over", 4.5}, {"text", "over", 4.5},
			{"text", "bad-back", 4.5}, {"text", "warn-back", 4.5}, {"text", "good-back", 4.5},
			{"control", "card", 3}, {"accent", "card", 3}, {"accent", "back", 3}, {"bad-line", "card", 3}, {"good-line", "card", 3}, {"warn-line", "warn-back", 3},
		} {
			if got := contrast(t, c[pair.front], c[pair.back]); got < pair.ratio {
				t.Errorf("%s: --%s on --%s is %.2f:1, want %.1f:1", scheme, pair.front, pair.back, got, pair.ratio)
			}
		}
	}
	for _, m := range regexp.MustCompile(`\.tint\d \{ background: (#[0-9a-f]{6}); \}`).FindAllStringSubmatch(string(newPages(t).assets.style.content), -1) {
		if got := contrast(t, "#fff", m[1]); got < 4.5 {
			t.Errorf("white on the tile %s is %.2f:1", m[1], got)
		}
	}
}

// colours reads the two blocks of variables: the dark one overrides.
func colours(t *testing.T, css string) (light, dark map[string]string) {
	t.Helper()
	first, rest, ok := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no dark scheme")
	}
	second, _, _ := strings.Cut(rest, "\n}\n")
	variable := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6});`)
	light, dark = map[string]string{}, map[string]string{}
	for _, m := range variable.FindAllStringSubmatch(first, -1) {
		light[m[1]], dark[m[1]] = m[2], m[2]
	}
	for _, m := range variable.FindAllStringSubmatch(second, -1) {
		dark[m[1]] = m[2]
	}
	return light, dark
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 4 {
		hex = "#" + strings.Repeat(hex[1:2], 2) + strings.Repeat(hex[2:3], 2) + strings.Repeat(hex[3:4], 2)
	}
	if len(hex) != 7 {
		t.Fatalf("no such colour: %q", hex)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 90 * time.Second: "90 seconds", time.Minute: "1 minute", 15 * time.Minute: "15 minutes",
		time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 24 * time.Hour: "1 day", 36 * time.Hour: "36 hours", 720 * time.Hour: "30 days",
	} {
		if got := durationWords(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1":          "Safari on iPhone",
		"curl/8.5.0": "curl", "": "A browser", "something": "A browser",
	} {
		if got := browserWords(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
	for in, want := range map[string]string{
		" a\n b\t": "a b", "a\u202eb\u200bc": "abc", "\x00": "", strings.Repeat("x", 300): strings.Repeat("x", 200) + "…",
		"A" + strings.Repeat("\u0335", 180) + "b": "A\u0335\u0335b", "\u0301a \u0301\u0301": "a", "Vie\u0302\u0323t": "Vie\u0302\u0323t", "ไม่รู้": "ไม่รู้",
		"a\u20dd\u20dd\u20ddb": "a\u20dd\u20ddb", "\u3164\u115f\u1160\uffa0\u2800\u00ad\u034f\ufe0f\U000e0041\U00013441": "", "x\u200d\u0301\u0301\u0301": "x\u0301\u0301",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	for name, want := range map[string]string{"\u3164\u3164": "id", "\u2800": "id", "…!": "id", "\u0301": "id", "💡": "id", "": "id", "7": "7", "名": "名", "\u3164a": "a"} {
		if got := (App{ClientID: "id", Name: name}).DisplayName(); got != want {
			t.Errorf("display name of %q: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"Hiring Portal": "HP", "mcp-inspector": "MI", "über app": "ÜA", "…": "?", "a b c": "AB"} {
		if got := (App{Name: name}).Initials(); got != want {
			t.Errorf("initials of %q: %q, want %q", name, got, want)
		}
	}
}
