package registry

import (
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

// TestS1HostsOfDeclaredClients are known as long as a client is there, also after a restart.
func TestS1HostsOfDeclaredClients(t *testing.T) {
	w := newWorld(t)
	at := func(uris ...string) func(*oauth.Registration) {
		return func(r *oauth.Registration) {
			r.GrantTypes, r.RedirectURIs = []oauth.GrantType{oauth.GrantAuthorizationCode}, uris
		}
	}
	want := func(when string, hosts map[string]bool) {
		t.Helper()
		for host, declared := range hosts {
			if got := w.DeclaredHost(host); got != declared {
				t.Errorf("%s: %s is declared: %v, want %v", when, host, got, declared)
			}
		}
	}
	w.register(t, reg("web", at("https://a.example/cb", "https://a.example:8443/2", "https://b.example/cb", "http://localhost/cb", "https://localhost/cb", "com.example.app:/cb")))
	w.register(t, reg("other", at("https://b.example/other")))
	if _, err := w.RegisterSelf(t.Context(), SelfRegistration{Registration: selfReg(), Token: "clr_of-the-client"}); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{"a.example": true, "b.example": true, "localhost": false, "com.example.app": false, "tool.example": false, "x.a.example": false, "": false}
	want("registered", all)
	w.close(t)
	w.open(t)
	want("after a restart", all)
	w.register(t, reg("web", at("https://c.example/cb"), counter(2)))
	want("moved", map[string]bool{"a.example": false, "b.example": true, "c.example": true})
	owner := reg("other").Managed.Owner
	owner.Cluster = "c1"
	if err := w.Deregister(t.Context(), "shop.other", owner, 1); err != nil {
		t.Fatal(err)
	}
	want("deleted", map[string]bool{"b.example": false, "c.example": true})
	w.sql(t, `UPDATE clients SET mac = 'forged' WHERE client_id = 'shop.web'`)
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want("its record was edited", map[string]bool{"c.example": false})
}

func TestS1Reserved(t *testing.T) {
	w := newWorld(t)
	w.register(t, reg("web", func(r *oauth.Registration) {
		r.GrantTypes, r.RedirectURIs = []oauth.GrantType{oauth.GrantAuthorizationCode}, []string{"https://a.example/cb", "https://cursor/cb"}
	}))
	register := func(id, by string) *Client {
		r := selfReg()
		r.ClientID = id
		c, err := w.RegisterSelf(t.Context(), SelfRegistration{Registration: r, Token: "clr_" + secret, By: by})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	anonymous, known := register("anonymous", ""), register("known", "ci")
	declared, _ := w.Client("shop.web")
	for uri, want := range map[string]bool{
		"https://a.example/mine": true, "https://a.example:8443/": true, "https://b.example/cb": false,
		"http://localhost/cb": false, "cursor://a.example/cb": false, "a.example:/cb": false,
	} {
		to, err := oauth.ParseRedirectURI(uri, "cursor")
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Reserved(anonymous, to); got != want {
			t.Errorf("%s: %v, want %v", uri, got, want)
		}
		if w.Reserved(known, to) || w.Reserved(declared, to) {
			t.Errorf("%s: reserved from somebody who is known", uri)
		}
	}
}
