package helm

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var flagName = regexp.MustCompile(`--[a-z-]+`)

// Every argument in a Pod of the chart is a flag of the program that is in its image.
func TestTheProgramHasTheFlagsOfTheChart(t *testing.T) {
	clientele := program(t)
	help := map[string][]string{}
	flags := func(t *testing.T, command []string) []string {
		t.Helper()
		key := strings.Join(command, " ")
		if help[key] == nil {
			out, err := exec.Command(clientele, append(command, "--help")...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "clientele "+key) {
				t.Fatalf("clientele %s --help: %v\n%s", key, err, out)
			}
			help[key] = flagName.FindAllString(string(out), -1)
		}
		return help[key]
	}
	forEach(t, func(t *testing.T, _ string, r *release) {
		for what, pod := range r.pods(t) {
			if strings.HasPrefix(what, "Pod ") {
				continue // of helm test, by commands that come with `clientele check`
			}
			for _, c := range containers(pod) {
				i := slices.IndexFunc(c.Args, func(a string) bool { return strings.HasPrefix(a, "--") })
				if i < 1 {
					t.Fatalf("%s has the arguments %q, want a command first", what, c.Args)
				}
				known := flags(t, c.Args[:i])
				for _, arg := range c.Args[i:] {
					if name, _, _ := strings.Cut(arg, "="); !slices.Contains(known, name) {
						t.Errorf("%s: clientele %s has no flag %s", what, strings.Join(c.Args[:i], " "), name)
					}
				}
			}
		}
	})
}
