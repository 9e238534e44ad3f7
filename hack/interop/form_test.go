package interop

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// TestKeyboardOnly: nothing needs a mouse, and the focus is always to be seen.
func TestKeyboardOnly(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	b.open(loginURL("openid orders:read"))
	b.sees("Sign in")
	b.hasFocusRing("the user name") // it has it from the beginning
	b.keys(ada + kb.Tab)
	b.hasFocusRing("the password")
	b.keys(authtest.Password + kb.Enter)
	b.sees("wants access to your account")
	b.tabTo("Deny")
	b.hasFocusRing("Deny")
	b.keys(kb.Enter)
	b.sees("The app got access_denied")

	b.open(loginURL("openid orders:read"))
	b.sees("wants access to your account")
	b.reads()
	b.tabTo("Allow")
	b.hasFocusRing("Allow")
	b.keys(kb.Enter)
	b.sees("The app knows you as user/ada")
	app.next(t)

	b.open(issuer + "/account")
	b.sees("Name of ada")
	b.tabTo("Withdraw")
	b.hasFocusRing("Withdraw")
	b.keys(kb.Enter)
	b.sees("Access withdrawn.")
}

// TestAllowTakesNoPressBeforeItCouldBeRead: neither the second half of a double click
// whose first closed the window above, nor a key.
func TestAllowTakesNoPressBeforeItCouldBeRead(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	b.open(loginURL("openid orders:read"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.reads()
	// The presses come in the moment in which the page comes to the front.
	sent := value[int](b, `(() => {
		let sent = 0
		document.forms[0].addEventListener("submit", () => sent++)
		const button = document.querySelector("button[value=allow]")
		dispatchEvent(new Event("focus"))
		button.click()
		button.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, detail: 2}))
		return button.matches("[data-live]") ? -1 : sent
	})()`)
	if sent != 0 {
		t.Errorf("sent %d times (-1: the button looks as if it would)", sent)
	}
	b.allows()
	b.sees("The app knows you as user/ada")
	app.next(t)
}

// TestAllowBelowTheFold: where the page is longer than the screen, its being loaded is
// not its having been read as far as the button.
func TestAllowBelowTheFold(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	b.show(screen{"low", 360, 300, "light"})
	b.open(loginURL("openid orders:read"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.until("performance.now() > 1000") // twice the moment that the script asks for
	sent := value[int](b, `(() => {
		let sent = 0
		document.forms[0].addEventListener("submit", () => sent++)
		const button = document.querySelector("button[value=allow]")
		if (button.getBoundingClientRect().top < innerHeight || button.matches("[data-live]")) return -1
		button.scrollIntoView()
		button.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, detail: 1}))
		return sent
	})()`)
	if sent != 0 {
		t.Errorf("sent %d times (-1: the button was in sight, or looked as if it were)", sent)
	}
	b.allows()
	b.sees("The app knows you as user/ada")
	app.next(t)
}

// tabTo presses Tab until the focus is on what begins with a text.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	for range 30 {
		b.keys(kb.Tab)
		if value[bool](b, "document.activeElement.innerText.startsWith("+strconv.Quote(text)+")") {
			return
		}
	}
	b.fail("Tab never comes to " + text)
}

// TestWithoutJavaScript: every page works, form_post by a click more.
func TestWithoutJavaScript(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	scripts := func(on bool) {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	}
	scripts(false)
	b.watch.allow("script execution is disabled") // as we said
	b.open(loginURL("openid orders:read", "response_mode", "form_post"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.click(allow)
	b.sees("Going back to app.example")
	scripts(true) // axe-core is one
	b.inspect("form-post")
	scripts(false)
	b.click(submit)
	b.sees("The app knows you as user/ada")
	if got := app.next(t); got.method != http.MethodPost {
		t.Errorf("the answer came by %s", got.method)
	}
	b.open(issuer + "/account")
	b.sees("Name of ada")
	b.click(`form[action$="/account/withdraw"] button`)
	b.sees("Access withdrawn.")
}

// TestFormPost: the form sends itself (OAuth 2.0 Form Post Response Mode).
func TestFormPost(t *testing.T) {
	w := newWorld(t)
	app, b := newWebApp(t, w), newTab(t)
	b.open(loginURL("openid orders:read", "response_mode", "form_post"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.allows()
	b.sees("The app knows you as user/ada")
	if got := app.next(t); got.method != http.MethodPost {
		t.Errorf("the answer came by %s", got.method)
	}
	b.open(loginURL("openid orders:read", "response_mode", "form_post", "prompt", "none"))
	b.sees("The app knows you as user/ada")
	b.open(loginURL("openid orders:write", "response_mode", "form_post"))
	b.sees("wants access to your account")
	b.click(deny)
	b.sees("The app got access_denied")
}

// TestAppsThatSendPeopleOn: many apps answer at one origin and go on at another, or
// are brokers for others. Chromium holds the whole chain of redirects that a form
// sets off against the page's form-action (INTEROP 6).
func TestAppsThatSendPeopleOn(t *testing.T) {
	w := newWorld(t)
	b := newTab(t)
	const callback = appURL + "/broker"
	c := w.MustRegister(t, authtest.NewClient("broker", actsForPeople(callback, func(r *oauth.Registration) {
		r.PostLogoutRedirectURIs = []string{callback}
	})))
	w.gateway.serve(t, appHost, http.RedirectHandler("https://"+nextHost+"/home", http.StatusFound))
	w.gateway.serve(t, nextHost, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, "At home") }))
	begin := w.AuthorizeURL(c, "redirect_uri", callback, "scope", "openid orders:read")
	b.open(begin)
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.allows()
	b.sees("At home")
	// After signing in, where consent is not asked again.
	b.open(w.AuthorizeURL(c, "redirect_uri", callback, "scope", "openid orders:read", "prompt", "login"))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("At home")
	// After signing out, where that was asked.
	b.open(issuer + "/oauth/logout?client_id=" + c.Registration.ClientID + "&post_logout_redirect_uri=" + callback)
	b.sees("Sign out?")
	b.click(submit)
	b.sees("At home")
}
