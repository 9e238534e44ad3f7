package endpoint

import (
	"strings"
	"testing"
)

// TestB4EveryRouteSaysWhichPagesMayCallIt: a new route is added here on purpose.
func TestB4EveryRouteSaysWhichPagesMayCallIt(t *testing.T) {
	want := map[string]cors{
		pathToken: corsAny, pathRevoke: corsAny, pathIntrospect: corsAny, pathPAR: corsAny, pathUserinfo: corsAny,
		pathMetadata: corsAny, pathOpenID: corsAny, pathJWKS: corsAny,
		pathRegister: corsOpen, managementPrefix: corsOpen,
	}
	found := 0
	for _, r := range new(Server).table() {
		if r.cors != want[r.path] {
			t.Errorf("%s: cors %d, want %d", r.path, r.cors, want[r.path])
		}
		if r.cors != corsNone {
			found++
		}
		if r.cors != corsNone && (r.page || r.effects || strings.HasPrefix(r.path, "/registrar/")) {
			t.Errorf("%s allows other origins: it looks at cookies, or is a registrar's", r.path)
		}
	}
	if found != len(want) {
		t.Errorf("%d routes allow other origins, want %d", found, len(want))
	}
}

func TestB4RegistrationIsReadableWhileItIsOpen(t *testing.T) {
	view := func(mode RegistrationMode) *View {
		return &View{Settings: Settings{Registration: RegistrationSettings{Mode: mode}}}
	}
	for name, c := range map[string]struct {
		cors cors
		view *View
		want bool
	}{
		"open":                      {corsOpen, view(RegistrationOpen), true},
		"no settings: a 503 of any": {corsOpen, nil, true},
		"authenticated":             {corsOpen, view(RegistrationAuthenticated), false},
		"disabled":                  {corsOpen, view(RegistrationDisabled), false},
		"left out":                  {corsOpen, view(""), false},
		"any, no settings":          {corsAny, nil, true},
		"any":                       {corsAny, view(RegistrationDisabled), true},
		"none":                      {corsNone, view(RegistrationOpen), false},
		"none, no settings":         {corsNone, nil, false},
	} {
		if got := (&route{cors: c.cors}).allowsOrigins(c.view); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestEveryRouteSaysWhichPortHasIt: a new route is added here on purpose. Whatever only
// registrars may call is not at the public port.
func TestEveryRouteSaysWhichPortHasIt(t *testing.T) {
	both := map[string]bool{pathRegister: true, managementPrefix: true, pathMetadata: true, pathHealth: true, pathReady: true}
	for _, r := range new(Server).table() {
		want := atPublic
		switch {
		case both[r.path]:
			want = atBoth
		case strings.HasPrefix(r.path, "/registrar/"):
			want = atRegistrar
		}
		if r.served != want {
			t.Errorf("%s: served %d, want %d", r.path, r.served, want)
		}
	}
}
