// Package signin says who the person at the browser is, and what that person
// lets a client do. It knows no page and no endpoint: endpoints call it and show
// what it answers with package web.
//
//	user.go           a person; the form of a `sub`
//	roster.go         is a person still welcome, and with which roles?
//	directory.go      local users: the document in the Secret
//	document.go       its strict reader
//	local.go          local users, hot-reloadable
//	argon2id.go       password hashes (RFC 9106)
//	password.go       signing in with a password, step by step
//	lockout.go        counting guesses
//	cookies.go        names and attributes of our cookies
//	device.go         browsers in which somebody signed in before, for the lockout
//	session.go        sessions
//	csrf.go, origin.go  is it our own page that sends this form?
//	upstream.go       other OpenID providers (OpenID Connect Core, Section 3.1)
//	upstream_discovery.go  what a provider says of itself
//	upstream_flow.go  what is remembered while the browser is away
//	upstream_token.go the ID token and what it says
//	upstream_authtime.go  when the person authenticated there
//	claims.go         claim mapping
//	consent.go        what may be granted, and what must be asked (pure)
//	account.go        what a person has allowed and where they are signed in
//	ending.go         what they lose for good, and when
//
// # How an endpoint uses it
//
// Sign-in page, GET: take the pre-session cookie or make one ([NewCookieValue],
// [Cookies.PreSession]); put [CSRF.Token] of it into the form.
//
// Sign-in form, POST: [CheckOrigin], [CSRF.Check], [Password.SignIn]; then
// [Sessions.Start] with the value of the old session cookie, and set the new
// one ([Cookies.Session]). Every sign-in makes a new cookie value, so that a
// planted one is worth nothing.
//
// Upstream: a link (not a form: the Content Security Policy's form-action would
// have to name every host that the provider bounces the browser over) carries
// the CSRF token; [Upstreams.Begin] gives the address and the cookies to set,
// [Upstreams.Finish] takes the callback. A session says when the person proved who
// they are (User.AuthTime): here that is the password, there what the provider
// says. Where it does not, no max_age is satisfied but by [Start].Fresh; a provider
// that neither heeds prompt=login nor says auth_time is taken at its word then.
//
// Everything else: [Sessions.Load] gives the session of a request, with the
// person's present roles, or [ErrNoSession].
//
// Errors that a person may see are the sentinels of this package; each page has
// its own fixed text for them. What wraps anything else is for the log.
//
// Time is passed in. Nothing here keeps a password, a cookie value or a token,
// and nothing prints one.
package signin
