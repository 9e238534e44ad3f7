// Package web renders the pages that people see: sign-in, consent, account,
// sign-out, errors, and the page that carries a form_post response. It decides
// nothing, reads no request but those for its assets, and imports nothing of
// ours: endpoints give it plain data and it writes one response.
//
//	pages.go      Pages: New, how a page is written
//	headers.go    security headers and the Content Security Policy
//	assets.go     stylesheet, icon and script, under names with their hash
//	signin.go consent.go account.go signout.go errorpage.go onward.go formpost.go
//	              one page each: its data and its method
//	app.go        how an app is shown: host, initials, who runs it
//	text.go       what is let through of text from outside
//	words.go      durations, times and browsers in words
//	templates/    html/template, layout.html around all of them
//
// # Use
//
//	pages, err := web.New(web.Options{Issuer: "https://login.example"})
//	mux.Handle("GET "+pages.AssetPrefix(), pages.Assets())
//	err = pages.SignIn(w, web.SignIn{…})
//
// A method returns an error only where nothing has been written yet (a template
// that fails); the caller logs it and answers 500.
//
// # What every page keeps to
//
// Text goes through html/template, so a client's name or state is text and
// nothing else (A9); bidirectional controls, which could turn a name around, are
// dropped. The policy starts at default-src 'none' and no page may be framed.
// Nothing comes from another host: no font, no script, no image.
//
// Logos are no exception: a remote one would tell its host who is about to sign
// in, when and from where, before that person allowed anything, and could change
// after somebody looked at it. App.Logo is a path on our own origin, where an
// endpoint serves what the server itself fetched; without one, or while it cannot
// be had, the page shows initials.
//
// Pages work without JavaScript. The only script sends the form of a form_post
// response, which has a button for those who run none, and keeps Allow from being
// pressed before anybody can have read what it allows.
//
// Messages about failed sign-ins are fixed here, so that unknown users, wrong
// passwords and lockouts look the same (A12).
package web
