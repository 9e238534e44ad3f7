package oauth_test

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

func TestO19RegistrarAndServerSpeakTheLowestVersion(t *testing.T) {
	for name, c := range map[string]struct {
		theirs []int
		want   int
		err    error
	}{
		"the same":                        {[]int{5, 5}, 5, nil},
		"one replica is a version behind": {[]int{5, 4, 5}, 4, nil},
		"the server is a version ahead":   {[]int{6}, 5, nil},
		"both, in a roll-out":             {[]int{6, 5}, 5, nil},
		"a replica is two behind":         {[]int{5, 3}, 0, oauth.ErrProtocolTooOld},
		"a replica is two ahead":          {[]int{7, 5}, 0, oauth.ErrProtocolTooNew},
		"no version is the first":         {[]int{0}, 0, oauth.ErrProtocolTooOld},
		"nothing is known":                {nil, 5, nil},
	} {
		if got, err := oauth.AgreeOnProtocol(5, c.theirs...); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %d, %v; want %d, %v", name, got, err, c.want, c.err)
		}
	}
	// The release of today works with main before there were versions.
	if got, err := oauth.AgreeOnProtocol(oauth.Protocol, 0); err != nil || got != oauth.FirstProtocol {
		t.Errorf("a server without a version: %d, %v", got, err)
	}
}

// TestO19ANewMemberSaysWhichProtocolBroughtIt: a server that does not know a member
// ignores it. testdata/protocol1_members.txt has the members of the first version; every
// other member needs a line in memberSince.
func TestO19ANewMemberSaysWhichProtocolBroughtIt(t *testing.T) {
	text, err := os.ReadFile("testdata/protocol1_members.txt")
	if err != nil {
		t.Fatal(err)
	}
	first := strings.Fields(string(text))
	var have []string
	members(reflect.TypeFor[oauth.Registration](), &have)
	members(reflect.TypeFor[policy.Policy](), &have)
	for _, m := range have {
		since, later := oauth.MemberSince[m]
		switch {
		case later == slices.Contains(first, m):
			t.Errorf("%s: want a line in memberSince, and only for a member that came later", m)
		case later && (since <= oauth.FirstProtocol || since > oauth.Protocol):
			t.Errorf("%s came with version %d, which does not exist", m, since)
		}
	}
	for _, m := range first {
		if !slices.Contains(have, m) {
			t.Errorf("%s is gone: a registrar of the version before still sends it", m)
		}
	}
}

// members lists the members of a struct and of what lies in it.
func members(typ reflect.Type, into *[]string) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		members(typ.Elem(), into)
	case reflect.Struct:
		for i := range typ.NumField() {
			m := typ.Name() + "." + typ.Field(i).Name
			if !slices.Contains(*into, m) {
				*into = append(*into, m)
			}
			members(typ.Field(i).Type, into)
		}
	}
}

func TestO19ARegistrationNeedsTheVersionOfItsMembers(t *testing.T) {
	since := map[string]int{"Managed.Trusted": 2, "AllowedUsers.Roles": 3, "Registration.ClientName": 4}
	plain := oauth.Registration{ClientID: "a", Managed: &oauth.Managed{Disabled: true}}
	trusted := oauth.Registration{ClientID: "a", Managed: &oauth.Managed{Trusted: true}}
	users := oauth.Registration{Managed: &oauth.Managed{Trusted: true, AllowedUsers: []oauth.AllowedUsers{{Groups: []string{"g"}}, {Roles: []string{"r"}}}}}
	for want, r := range map[int]oauth.Registration{1: plain, 2: trusted, 3: users, 4: {ClientName: "n"}} {
		if got := oauth.NeededProtocolBy(reflect.ValueOf(r), since); got != want {
			t.Errorf("%+v needs version %d, want %d", r, got, want)
		}
	}
	if got := oauth.NeededProtocol(users); got != oauth.FirstProtocol {
		t.Errorf("members of the first version need %d", got)
	}
}
