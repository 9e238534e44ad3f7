package grant

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// TestCodeIsForThisClient: check 2, also where the store still has a code of an
// earlier incarnation.
func TestCodeIsForThisClient(t *testing.T) {
	registered := time.Unix(1_800_000_000, 0).UTC()
	renewed := registered.Add(time.Hour)
	for rule, c := range map[string]struct {
		clientID          string
		notBefore, issued time.Time
		want              oauth.Code
	}{
		"made since":                         {"app", time.Time{}, registered, ""},
		"another client's":                   {"other", time.Time{}, registered, oauth.CodeInvalidGrant},
		"before the client was there":        {"app", time.Time{}, registered.Add(-time.Second), oauth.CodeInvalidGrant},
		"of an earlier incarnation":          {"app", renewed, renewed.Add(-time.Second), oauth.CodeInvalidGrant},
		"of this incarnation":                {"app", renewed, renewed, ""},
		"of a record that does not tell (1)": {"app", time.Time{}, time.Time{}, oauth.CodeInvalidGrant},
	} {
		code := store.Code{Grant: store.Grant{ClientID: c.clientID}, Issued: c.issued, Expires: renewed.Add(time.Hour)}
		client := &registry.Client{Registration: oauth.Registration{ClientID: "app"}, Created: registered, NotBefore: c.notBefore}
		err := codeIsForClient(code, Request{Client: client, Terms: &Terms{CodeLifetime: time.Minute}})
		if oauth.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", rule, err, c.want)
		}
	}
}
