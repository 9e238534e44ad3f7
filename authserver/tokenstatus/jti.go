package tokenstatus

import (
	"strings"

	"clientele.dev/clientele/authserver/credential"
)

// JTI makes the id of an access token: a random one, behind the family's id and a
// dot where there is a family. So the token is revoked with its family, without a row of
// its own.
func JTI(family string) string {
	if family == "" {
		return credential.NewID()
	}
	return family + "." + credential.NewID()
}

// FamilyOf returns the family that a jti names; false: it names none.
func FamilyOf(jti string) (string, bool) {
	family, _, ok := strings.Cut(jti, ".")
	return family, ok && credential.ValidFamilyID(family)
}
