package rights

import "clientele.dev/clientele/authserver/store"

// Users says whether a user who signed in earlier may still sign in, and which groups and
// roles the user has now. signin.Roster is one. An error of Welcome says that this is not
// known at the moment: temporarily_unavailable, and no refusal.
type Users interface {
	Welcome(subject string, from store.Source) (bool, error)
	Groups(subject string, atSignIn []string) []string
	Roles(subject string, atSignIn []string) []string
	Tenant(subject, atSignIn string) string
}
