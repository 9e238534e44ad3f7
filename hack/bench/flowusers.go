package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

const verifier = "a-code-verifier-of-at-least-43-characters-.-~_1234"

// challenge is the verifier's S256 challenge.
var challenge = func() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}()

func (c *cluster) host() string { return c.Replicas[0] }

func (c *cluster) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(clientID + ":" + c.Secret))
}

// form is a POST to an endpoint, as the app.
func (c *cluster) form(path string, values url.Values) request {
	return post(c.host(), path, c.basic(), values.Encode())
}

// codeFlow is all requests of a person who is signed in and was asked before: the
// app sends the browser here, which comes back with a code, and the app exchanges
// it. The last answer is the app's.
func (c *cluster) codeFlow(cookies string) user {
	authorize := get(c.host(), "/oauth/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "resource": {resource}, "scope": {scope},
		"state": {"af0ifjsldkj"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode(), cookies)
	exchange := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}
	return func(conn *conn) error {
		if err := conn.want(authorize, 303); err != nil {
			return err
		}
		next, ok := strings.CutPrefix(conn.location, "http://"+c.host())
		if !ok {
			return fmt.Errorf("authorize led to %s", conn.location)
		}
		if err := conn.want(get(c.host(), next, cookies), 303); err != nil {
			return err
		}
		back, err := url.Parse(conn.location)
		if err != nil {
			return err
		}
		code := back.Query().Get("code")
		if code == "" {
			return fmt.Errorf("no code came back, but %s", conn.location)
		}
		exchange.Set("code", code)
		return conn.want(c.form("/oauth/token", exchange), 200)
	}
}

func (c *cluster) codeFlows() ([]user, error) {
	users := make([]user, len(c.Cookies))
	for i, cookies := range c.Cookies {
		users[i] = c.codeFlow(cookies)
	}
	return users, nil
}

// userTokens are a person's.
type userTokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// read the tokens of the last answer.
func (t *userTokens) read(conn *conn) error {
	*t = userTokens{}
	err := json.Unmarshal(conn.body, t)
	if err == nil && (t.Access == "" || t.Refresh == "") {
		err = fmt.Errorf("no tokens, but %s", conn.body)
	}
	return err
}

// newTokens makes a family for a person.
func (c *cluster) newTokens(conn *conn, cookies string) (t userTokens, err error) {
	if err := c.codeFlow(cookies)(conn); err != nil {
		return t, err
	}
	return t, t.read(conn)
}

// everybodysTokens makes a family for each person.
func (c *cluster) everybodysTokens() ([]userTokens, error) {
	conn, err := dial(c.host())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	all := make([]userTokens, len(c.Cookies))
	for i, cookies := range c.Cookies {
		if all[i], err = c.newTokens(conn, cookies); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// refreshes rotate one family each.
func (c *cluster) refreshes() ([]user, error) {
	all, err := c.everybodysTokens()
	if err != nil {
		return nil, err
	}
	users := make([]user, len(all))
	for i := range all {
		users[i] = func(conn *conn) error {
			if err := conn.want(c.refresh(all[i].Refresh), 200); err != nil {
				return err
			}
			return all[i].read(conn)
		}
	}
	return users, nil
}

func (c *cluster) refresh(token string) request {
	return c.form("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// introspections ask about one access token each.
func (c *cluster) introspections() ([]user, error) {
	all, err := c.everybodysTokens()
	if err != nil {
		return nil, err
	}
	users := make([]user, len(all))
	for i := range all {
		req := c.introspect(all[i].Access)
		users[i] = func(conn *conn) error {
			err := conn.want(req, 200)
			if err == nil && !active(conn) {
				err = fmt.Errorf("not active: %s", conn.body)
			}
			return err
		}
	}
	return users, nil
}

func (c *cluster) introspect(token string) request {
	return c.form("/oauth/introspect", url.Values{"token": {token}})
}

func (c *cluster) revoke(token string) request {
	return c.form("/oauth/revoke", url.Values{"token": {token}})
}

func active(conn *conn) bool { return strings.Contains(string(conn.body), `"active":true`) }
