package authorizationserver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxDetail bounds, in bytes, what is taken over of a text of the server's.
const maxDetail = 512

// judgeUsers takes over what the server says of spec.users, and adds what to do.
func judgeUsers(as *v1alpha1.AuthorizationServer, s registrar.State) verdict {
	unknown := func(text string) verdict {
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonUsersUnknown, text, false}
	}
	switch {
	case s.Err != nil:
		return unknown("the server cannot be asked")
	case s.Users == nil || s.Users.Generation < as.Generation:
		return unknown("the server has not told yet")
	}
	var texts []string
	reason := ""
	for _, p := range s.Users.Problems {
		if p.Reason == oauth.UsersPending {
			continue
		}
		reason = cmp.Or(reason, usersReason(p.Reason))
		texts = append(texts, usersMessage(as, p))
	}
	switch {
	case reason != "":
		return verdict{metav1.ConditionFalse, reason, strings.Join(texts, ". "), false}
	case len(s.Users.Problems) > 0:
		return unknown("the server waits for the API server: " + clean(s.Users.Problems[0].Detail))
	}
	return verdict{metav1.ConditionTrue, v1alpha1.ReasonUsersInForce, "everybody can sign in whom spec.users names", false}
}

// usersReason is the same word in the API's vocabulary.
func usersReason(r oauth.UsersReason) string {
	switch r {
	case oauth.UsersSecretMissing:
		return v1alpha1.ReasonUsersSecretMissing
	case oauth.UsersSecretForbidden:
		return v1alpha1.ReasonUsersSecretForbidden
	case oauth.UsersProviderInvalid:
		return v1alpha1.ReasonUsersProviderInvalid
	}
	return v1alpha1.ReasonUsersSecretInvalid
}

// usersMessage says what is wrong, what to do, and what holds until then. Names in
// commands are those of the spec: they are not taken from the server.
func usersMessage(as *v1alpha1.AuthorizationServer, p oauth.UsersProblem) string {
	ref, ok := usersSecret(as.Spec.Users, p.Provider)
	if !ok || p.Reason == oauth.UsersProviderInvalid {
		return clean(p.Detail)
	}
	file := ref.Key
	if p.Provider != "" {
		file += "=FILE"
	} else if ref.Key != v1alpha1.LocalUsersKey {
		file += "=" + v1alpha1.LocalUsersKey
	}
	create := fmt.Sprintf("kubectl create secret generic %s -n %s --from-file=%s", ref.Name, as.Namespace, file)
	var text string
	switch p.Reason {
	case oauth.UsersSecretMissing:
		text = fmt.Sprintf("%s: Secret %s/%s does not exist. Make it with its key %s: %s", who(p), as.Namespace, ref.Name, ref.Key, create)
	case oauth.UsersSecretForbidden:
		text = fmt.Sprintf("%s. Let the server read it: kubectl create role %s-reader -n %s --verb=get,list,watch --resource=secrets --resource-name=%s, and bind that to the server's ServiceAccount",
			clean(p.Detail), ref.Name, as.Namespace, ref.Name)
	default:
		text = fmt.Sprintf("%s. Mend key %s of Secret %s/%s: %s --dry-run=client -o yaml | kubectl apply -f -",
			clean(p.Detail), ref.Key, as.Namespace, ref.Name, create)
	}
	return text + hint(p) + until(p)
}

// usersSecret is the Secret that a problem is about.
func usersSecret(users *v1alpha1.UsersSpec, provider string) (v1alpha1.SecretKeyReference, bool) {
	if provider == "" && users.Local != nil {
		ref := users.Local.SecretRef
		ref.Key = cmp.Or(ref.Key, v1alpha1.LocalUsersKey)
		return ref, true
	}
	i := slices.IndexFunc(users.Upstreams, func(u v1alpha1.Upstream) bool { return u.Name == provider })
	if i < 0 || users.Upstreams[i].ClientSecretRef == nil {
		return v1alpha1.SecretKeyReference{}, false
	}
	ref := *users.Upstreams[i].ClientSecretRef
	ref.Key = cmp.Or(ref.Key, v1alpha1.UpstreamSecretKey)
	return ref, true
}

func who(p oauth.UsersProblem) string {
	if p.Provider == "" {
		return "local users"
	}
	return "upstream provider " + p.Provider
}

func hint(p oauth.UsersProblem) string {
	switch {
	case p.Reason == oauth.UsersSecretForbidden:
		return ""
	case p.Provider != "":
		return " (FILE holds the client secret, without a line break)"
	}
	return " (`clientele hash-password` makes the password hashes in it)"
}

func until(p oauth.UsersProblem) string {
	switch {
	case p.Kept:
		return "; until then what was read before stays in force"
	case p.Provider != "":
		return "; until then nobody can sign in there"
	}
	return "; until then no local user can sign in, and the apps of those who did are told to try again later"
}

// clean makes a text of the server's one line of bounded length.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	return strings.ToValidUTF8(s[:min(len(s), maxDetail)], "")
}
