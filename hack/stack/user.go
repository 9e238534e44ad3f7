package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/hack/internal/stack"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// userAct is the demo's second act: an app acts for a person. The app uses
// golang.org/x/oauth2 and github.com/coreos/go-oidc, which are not ours.
type userAct struct {
	*demoRun
	attended bool

	app      *app
	provider *oidc.Provider
	config   oauth2.Config
	// state and nonce tie the answer to the request (RFC 6749, Section 10.12;
	// OpenID Connect Core 1.0, Section 15.5.2), verifier the code (RFC 7636).
	state, nonce, verifier string
	code                   string
	tokens                 *oauth2.Token
}

func (u *userAct) steps() []stack.Step {
	return []stack.Step{
		{Name: "start the app storefront, which acts for people", Run: u.startApp},
		{Name: "make the link to sign in with", Run: u.makeLink},
		{Name: "sign in as the demo user and consent", Run: u.signIn},
		{Name: "exchange the code for tokens, with PKCE", Run: u.exchange},
		{Name: "verify the ID token and the access token", Run: u.verify},
	}
}

// close ends the app, if it runs.
func (u *userAct) close() {
	if u.app != nil {
		u.app.close()
	}
}

// startApp configures the app from its client id and the issuer alone.
func (u *userAct) startApp(ctx context.Context) (string, error) {
	client, err := publicClient(u.clients)
	if err != nil {
		return "", err
	}
	id, _, _ := unstructured.NestedString(client.Object, "status", "clientID")
	scopes, _, _ := unstructured.NestedStringSlice(client.Object, "spec", "scopes")
	if u.provider, err = oidc.NewProvider(ctx, u.credentials.issuer); err != nil {
		return "", fmt.Errorf("go-oidc refuses the server's metadata: %w", err)
	}
	if u.app, err = newApp(u.Report); err != nil {
		return "", err
	}
	u.config = oauth2.Config{ClientID: id, Endpoint: u.provider.Endpoint(), RedirectURL: u.app.redirectURI(), Scopes: scopes}
	u.Report.Say("      client_id       %s", id)
	u.Report.Say("      redirect_uri    %s", u.config.RedirectURL)
	return "the app storefront runs; it keeps no secret", nil
}

// publicClient is the first client that acts for people.
func publicClient(clients []*unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for _, c := range clients {
		if kind, _, _ := unstructured.NestedString(c.Object, "spec", "type"); kind == "Public" {
			return c, nil
		}
	}
	return nil, errors.New("config/samples holds no OAuthClient of type Public")
}

func (u *userAct) makeLink(context.Context) (string, error) {
	u.state, u.nonce, u.verifier = credential.NewID(), credential.NewID(), oauth2.GenerateVerifier()
	u.Report.Say("")
	u.Report.Say("%s", u.link())
	u.Report.Say("")
	return "this link asks for " + fmt.Sprint(u.config.Scopes), nil
}

func (u *userAct) link() string {
	return u.config.AuthCodeURL(u.state, oauth2.S256ChallengeOption(u.verifier), oidc.Nonce(u.nonce))
}

// signIn lets somebody open the link, or opens it itself.
func (u *userAct) signIn(ctx context.Context) (string, error) {
	answer, who, err := u.answer(ctx)
	if err != nil {
		return "", err
	}
	if u.code, err = u.codeOf(answer); err != nil {
		u.app.show("The app got no code. " + err.Error() + "\n")
		return "", err
	}
	return "the app has a code: " + who + " signed in and consented", nil
}

// answer is what the browser brought back, and who sat there.
func (u *userAct) answer(ctx context.Context) (answer url.Values, who string, err error) {
	if u.attended {
		user := u.DemoUser()
		u.Report.Say("      Open the link in a browser on this machine and sign in:")
		u.Report.Say("      user name       %s", user.Name)
		u.Report.Say("      password        %s", user.Password.Reveal())
		answer, came, err := waitForPerson(ctx, u.app, u.Report)
		if came || err != nil {
			return answer, "you", err
		}
		u.Report.Say("      nobody came")
	}
	u.Report.Say("      nobody is here to open the link: the demo plays the user itself")
	answer, err = u.play(ctx)
	return answer, "the demo user", err
}

// play goes through the pages as a browser would. The last of them, the app's
// own, is still loading when the answer is there.
func (u *userAct) play(ctx context.Context) (url.Values, error) {
	b, err := newBrowser(u.DemoUser(), u.config.RedirectURL, u.Report.Say)
	if err != nil {
		return nil, err
	}
	went := make(chan error, 1)
	go func() { went <- b.visit(ctx, u.link()) }()
	select {
	case answer := <-u.app.came:
		return answer, nil
	case err := <-went:
		if err == nil {
			err = errors.New("the browser reached the app with no answer")
		}
		return nil, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// codeOf checks an authorization response: state, issuer (RFC 9207, Section 2.4),
// then whether it is an error (RFC 6749, Section 4.1.2.1).
func (u *userAct) codeOf(answer url.Values) (string, error) {
	if answer.Get("state") != u.state {
		return "", errors.New("the answer has another state than the request")
	}
	if iss := answer.Get("iss"); iss != u.credentials.issuer {
		return "", fmt.Errorf("the answer is of issuer %q, not %q", iss, u.credentials.issuer)
	}
	switch problem := answer.Get("error"); {
	case problem == "access_denied" && u.attended:
		return "", errLeft("You did not consent: the app was told access_denied and has no token.")
	case problem != "":
		return "", fmt.Errorf("the server answers %s: %s", problem, answer.Get("error_description"))
	case answer.Get("code") == "":
		return "", errors.New("the answer has neither code nor error")
	}
	return answer.Get("code"), nil
}

// exchange is RFC 6749, Section 4.1.3, with the verifier of RFC 7636, Section 4.5.
func (u *userAct) exchange(ctx context.Context) (string, error) {
	tokens, err := u.config.Exchange(ctx, u.code, oauth2.VerifierOption(u.verifier))
	if err != nil {
		return "", fmt.Errorf("exchange the code: %w", err)
	}
	u.tokens = tokens
	if tokens.RefreshToken == "" {
		return "", errors.New("the answer has no refresh token")
	}
	return fmt.Sprintf("access token (good for %s), ID token and refresh token received, scope %q",
		time.Duration(tokens.ExpiresIn)*time.Second, tokens.Extra("scope")), nil
}

// verify checks both tokens with the published keys and shows their claims.
func (u *userAct) verify(ctx context.Context) (string, error) {
	raw, _ := u.tokens.Extra("id_token").(string)
	id, err := u.provider.VerifierContext(ctx, &oidc.Config{ClientID: u.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("go-oidc refuses the ID token: %w", err)
	}
	if id.Nonce != u.nonce {
		return "", errors.New("the ID token has another nonce than the request")
	}
	if err := id.VerifyAccessToken(u.tokens.AccessToken); err != nil {
		return "", fmt.Errorf("the ID token is not of this access token: %w", err)
	}
	if err := u.verifyAccessToken(ctx, u.tokens.AccessToken); err != nil {
		return "", err
	}
	shown, err := claimsOf(raw, u.tokens.AccessToken)
	if err != nil {
		return "", err
	}
	about, err := u.userInfo(ctx, id.Subject)
	if err != nil {
		return "", err
	}
	shown += "more about the user (" + u.provider.UserInfoEndpoint() + ")\n" + about + "\n"
	u.Report.Say("%s", stack.Indent(shown))
	u.app.show("You are signed in, and the app may act for you.\n\n" + shown)
	return "ID token and access token verified by github.com/coreos/go-oidc; the user is " + id.Subject, nil
}

// userInfo is what the server tells about the user beside the ID token (OpenID
// Connect Core 1.0, Section 5.3).
func (u *userAct) userInfo(ctx context.Context, subject string) (string, error) {
	info, err := u.provider.UserInfo(ctx, oauth2.StaticTokenSource(u.tokens))
	if err != nil {
		return "", fmt.Errorf("ask the userinfo endpoint: %w", err)
	}
	if info.Subject != subject {
		return "", fmt.Errorf("the userinfo endpoint tells of %q, not of %q", info.Subject, subject)
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil {
		return "", fmt.Errorf("read what the userinfo endpoint tells: %w", err)
	}
	text, err := json.MarshalIndent(claims, "", "  ")
	return string(text), err
}

// claimsOf shows what two tokens say, and neither of them.
func claimsOf(idToken, accessToken string) (string, error) {
	_, who, err := decode(idToken)
	if err != nil {
		return "", err
	}
	_, what, err := decode(accessToken)
	if err != nil {
		return "", err
	}
	return "who it is (ID token)\n" + who + "\nwhat the app may do (access token)\n" + what + "\n", nil
}
