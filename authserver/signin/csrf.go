package signin

import "clientele.dev/clientele/authserver/credential"

// Form names what a CSRF token is good for: that of one form is refused by every
// other.
type Form string

// The forms.
const (
	FormSignIn   Form = "sign-in"
	FormUpstream Form = "upstream"
	FormConsent  Form = "consent"
	FormBarred   Form = "barred"
	FormSignOut  Form = "sign-out"
	FormAccount  Form = "account"
)

const csrfDomain = "sign-in form"

// CSRF makes and checks the tokens in our forms. A token is a MAC of the form
// and of the cookie of the browser that asked for it, so nothing is stored, and
// a token of one's own is worth nothing in another browser (A20).
type CSRF struct {
	Keys func() credential.ServerKeys
}

// Token is for a form in the browser with that cookie: the session cookie where
// somebody has signed in, else the pre-session cookie. Where details, such as
// the request that a consent is for, are given, the token is good for them only.
func (c CSRF) Token(form Form, cookie credential.Secret, details ...string) string {
	if cookie == "" {
		return ""
	}
	return c.Keys().MAC(csrfDomain, csrfData(form, cookie, details))
}

// Check tells whether the token was made for this form, cookie and details.
func (c CSRF) Check(token string, form Form, cookie credential.Secret, details ...string) bool {
	return cookie != "" && c.Keys().VerifyMAC(token, csrfDomain, csrfData(form, cookie, details))
}

// csrfData joins hashes, which have one length, so that nothing can move from
// one part into the next.
func csrfData(form Form, cookie credential.Secret, details []string) []byte {
	data := credential.Hash(string(form)) + credential.Hash(cookie.Reveal())
	for _, d := range details {
		data += credential.Hash(d)
	}
	return []byte(data)
}
