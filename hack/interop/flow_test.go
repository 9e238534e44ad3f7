package interop

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"clientele.dev/clientele/authserver/authtest"
)

const (
	userField, passwordField = "#username", "#password"
	submit                   = "button[type=submit]"
	allow, deny              = "button[value=allow]", "button[value=deny]"
)

// allows presses the button to allow when it takes it.
func (b *tab) allows() {
	b.t.Helper()
	b.reads()
	b.click(allow)
}

// reads goes down to the button that wants to be read before (assets/submit.js), and
// stays until it takes a press. What the scrolling does to the button the browser
// tells it after the next frame.
func (b *tab) reads() {
	b.t.Helper()
	const button = "document.querySelector('[data-unhurried]')"
	value[bool](b, `(async () => {
		`+button+`?.scrollIntoView({block: "nearest", behavior: "instant"})
		for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame)
		return new Promise(done => setTimeout(done, 0, true))
	})()`)
	b.until("!" + button + " || " + button + ".matches('[data-live]')")
}

// signIn fills in the sign-in page.
func (b *tab) signIn(password string) {
	b.t.Helper()
	b.fill(userField, ada)
	b.fill(passwordField, password)
	b.click(submit)
}

// TestAPersonSignsInConsentsAndComesBack is the life of an app's access, from the
// first sign-in to the day it is withdrawn (FAILURES A19).
func TestAPersonSignsInConsentsAndComesBack(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	b.open(loginURL("openid orders:read"))
	b.sees("Sign in")
	b.inspect("sign-in")
	b.watch.allow("status of 403") // what a wrong password is answered with
	b.signIn("not her password")
	b.sees("You are not signed in")
	b.inspect("sign-in-error")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	for _, want := range []string{"app.example", "Parcel Watch", "the shipping team", "See your orders and where they are", orders, "30 days"} {
		if page := b.text("main"); !strings.Contains(page, want) {
			t.Errorf("the consent page does not say %q:\n%s", want, page)
		}
	}
	b.inspect("consent")
	b.allows()
	b.sees("The app knows you as user/ada")
	first := app.next(t)
	if got := fmt.Sprint(first.scopes()); got != "[openid orders:read]" || first.values.Get("iss") != issuer || !w.active(t, first.AccessToken) {
		t.Errorf("granted %s, values %v", got, first.values)
	}

	b.open(loginURL("openid orders:read"))
	b.sees("The app knows you as user/ada") // asked nothing
	app.next(t)

	b.open(loginURL("openid orders:read orders:write"))
	b.sees("wants access to your account")
	if asked := b.text("section > ul.scopes"); !strings.Contains(asked, "orders:write") || strings.Contains(asked, "orders:read") {
		t.Errorf("asked for\n%s", asked)
	}
	b.click("summary")
	b.inspect("consent-more")
	b.allows()
	b.sees("The app knows you as user/ada")
	second := app.next(t)

	withdraws(t, w, app, b, second)
}

// withdraws takes the app's access away on the account page.
func withdraws(t *testing.T, w *world, app *webApp, b *tab, held granted) {
	t.Helper()
	next, err := app.refresh(held.RefreshToken)
	must(t, err)
	b.open(issuer + "/account")
	b.sees("Name of ada")
	b.inspect("account")
	b.click(`form[action$="/account/withdraw"] button`)
	b.sees("Access withdrawn.")
	b.inspect("account-withdrawn")
	var refused *oauth2.RetrieveError
	if _, err := app.refresh(next.RefreshToken); !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		t.Errorf("refresh after the withdrawal: %v", err)
	}
	if w.active(t, next.AccessToken) {
		t.Error("the access token is active after the withdrawal")
	}
	b.open(loginURL("openid orders:read"))
	b.sees("wants access to your account")
}

// TestAnAppForTwoAPIs is allowed both on one page (RFC 8707).
func TestAnAppForTwoAPIs(t *testing.T) {
	w := newWorld(t)
	p := authtest.Policy("billing", billing, "bills:pay")
	p.Scopes[0].Description = "Pay your bills, with your card"
	w.MustPutPolicy(t, p)
	app, b := newWebApp(t, w, forBillingToo), newTab(t)
	asked := loginURL("openid orders:read bills:pay") + "&" + url.Values{"resource": {orders, billing}}.Encode()
	b.open(asked)
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	if page := b.text("section"); strings.Index(page, orders) > strings.Index(page, "See your orders") || strings.Index(page, billing) > strings.Index(page, "Pay your bills") {
		t.Errorf("each API stands before what is asked there:\n%s", page)
	}
	b.inspect("consent-two-apis")
	b.allows()
	b.sees("The app knows you as user/ada")
	first := app.next(t)
	if got := fmt.Sprint(first.scopes()); got != "[openid orders:read]" {
		t.Errorf("the first API: %s", got)
	}
	other := w.Refresh(t, authtest.Client{Registration: app.client.Registration, Secret: app.client.Secret}, first.RefreshToken, "resource", billing)
	if got := other.Member("scope"); got != "openid bills:pay" {
		t.Errorf("the second API: %s", other.Body)
	}
	b.open(issuer + "/account")
	b.sees("Name of ada")
	b.inspect("account-two-apis")
}

func TestAPersonDenies(t *testing.T) {
	w := newWorld(t)
	newWebApp(t, w)
	b := newTab(t)
	b.open(loginURL("openid orders:read"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.click(deny)
	b.sees("The app got access_denied") // and iss was right: see webApp.callback
	b.open(loginURL("openid orders:read", "prompt", "none"))
	b.sees("The app got consent_required")
}

// What cannot be told to the app is shown (FAILURES A1).
func TestWhatIsNotTrustedIsShown(t *testing.T) {
	w := newWorld(t)
	newWebApp(t, w)
	b := newTab(t)
	b.watch.allow("status of 400")
	b.open(loginURL("openid", "redirect_uri", "https://stranger.example/callback"))
	b.sees("cannot be answered")
	b.inspect("error")
}

// TestAppsThatRegisteredThemselves: the page warns of them.
func TestAppsThatRegisteredThemselves(t *testing.T) {
	w := newWorld(t)
	a := w.SendText(t, "POST", "/oauth/register", "", `{"client_name":"Notes for the command line","redirect_uris":["http://127.0.0.1:7777/callback"]}`)
	c := authtest.Client{}
	c.Registration.ClientID = a.Member("client_id")
	b := newTab(t)
	b.open(w.AuthorizeURL(c, "redirect_uri", "http://127.0.0.1:7777/callback", "scope", "orders:read"))
	b.sees("Sign in")
	b.inspect("sign-in-self-registered")
	b.signIn(authtest.Password)
	b.sees("An app on this computer")
	if page := b.text("main"); !strings.Contains(page, "This app is not verified.") {
		t.Errorf("no warning:\n%s", page)
	}
	b.inspect("consent-self-registered")
}

func TestSigningOut(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	enter := func() granted {
		b.open(loginURL("openid orders:read"))
		b.sees("Sign in")
		b.signIn(authtest.Password)
		b.until("document.querySelector('button[value=allow]') || document.title === 'app'")
		if value[bool](b, "document.title !== 'app'") {
			b.allows()
		}
		b.sees("The app knows you as user/ada")
		return app.next(t)
	}
	// With the hint of this session: at once, and back to the app.
	got := enter()
	logout := issuer + "/oauth/logout?post_logout_redirect_uri=" + appURL + "/bye&state=s1"
	b.open(logout + "&id_token_hint=" + got.rawID)
	b.sees("Bye, state s1")
	// Without: asked first, and then back as well.
	enter()
	b.open(logout + "&client_id=" + app.config.ClientID)
	b.sees("Sign out?")
	b.inspect("sign-out")
	b.click(submit)
	b.sees("Bye, state s1")
	// On the account page.
	enter()
	b.open(issuer + "/account")
	b.sees("Name of ada")
	b.click(`form[action$="/account/sign-out"] button`)
	b.sees("You are signed out")
	b.inspect("signed-out")
	b.open(issuer + "/account")
	b.sees("Sign in")
}
