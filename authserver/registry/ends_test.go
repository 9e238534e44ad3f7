package registry

import (
	"context"
	"errors"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// What happens to a client's grants and consents.
type fate struct{ consent, family bool }

var (
	everythingEnds = fate{}
	nothingEnds    = fate{consent: true, family: true}
	consentsEnd    = fate{family: true}
)

// TestA19WhatEndsWithAClient, whoever ends it.
func TestA19WhatEndsWithAClient(t *testing.T) {
	const token = credential.Secret("clr_of-the-client")
	const managed, self = "shop.web", "self"
	for _, test := range []struct {
		name, client string
		end          func(w *world) error
		want         fate
	}{
		{"its registrar deletes it", managed, func(w *world) error {
			owner := reg("web").Managed.Owner
			owner.Cluster = "c1"
			return w.Deregister(context.Background(), managed, owner, 1)
		}, everythingEnds},
		{"another incarnation of its owner", managed, again(func(r *oauth.Registration) { r.Managed.Owner.UID, r.Managed.Counter = "uid-2", 2 }), everythingEnds},
		{"F10 its row was edited, and is written over", managed, func(w *world) error {
			w.sql(t, `UPDATE clients SET mac = 'forged' WHERE client_id = 'shop.web'`)
			return again()(w)
		}, everythingEnds},
		{"an update by its registrar", managed, again(counter(2)), nothingEnds},
		{"it deletes itself", self, func(w *world) error { return w.DeleteSelf(context.Background(), self, token.Reveal()) }, everythingEnds},
		{"a registrar revokes it", self, func(w *world) error {
			_, err := w.RevokeSelf(context.Background(), self)
			return err
		}, everythingEnds},
		{"nobody uses it", self, func(w *world) error {
			w.clock.Add(3600)
			_, err := w.SweepSelf(context.Background(), time.Hour, time.Hour)
			return err
		}, everythingEnds},
		// A stolen registration access token must not inherit what people were asked about.
		{"it calls itself something else", self, updated(token, func(r *oauth.Registration) { r.ClientName = "Your bank" }), consentsEnd},
		{"it leads elsewhere", self, updated(token, func(r *oauth.Registration) { r.RedirectURIs = []string{"https://evil.example/cb"} }), consentsEnd},
		{"it has another scope", self, updated(token, func(r *oauth.Registration) { r.Scope = "read" }), nothingEnds},
		{"a token is issued to it", self, func(w *world) error {
			c, _ := w.Client(self)
			return w.NoteUse(context.Background(), c)
		}, nothingEnds},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.register(t, reg("web"))
			if _, err := w.RegisterSelf(t.Context(), SelfRegistration{Registration: selfReg(), Token: token}); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{managed, self} {
				w.allow(t, id)
			}
			if err := test.end(w); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{managed, self} {
				want := nothingEnds
				if id == test.client {
					want = test.want
				}
				if got := w.left(t, id); got != want {
					t.Errorf("left of what people allowed %s: %+v, want %+v", id, got, want)
				}
			}
		})
	}
}

func again(edit ...func(*oauth.Registration)) func(*world) error {
	return func(w *world) error {
		_, _, err := w.Register(context.Background(), "c1", reg("web", edit...), false)
		return err
	}
}

func updated(token credential.Secret, edit func(*oauth.Registration)) func(*world) error {
	return func(w *world) error {
		r := selfReg()
		edit(&r)
		_, _, err := w.UpdateSelf(context.Background(), token.Reveal(), SelfRegistration{Registration: r, Token: "clr_next"})
		return err
	}
}

func selfReg() oauth.Registration {
	return oauth.Registration{
		ClientID: "self", ClientName: "A tool", GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode},
		TokenEndpointAuthMethod: oauth.AuthNone, RedirectURIs: []string{"https://tool.example/cb"}, Scope: "read write",
	}
}

// allow a client something, as a person does.
func (w *world) allow(t *testing.T, id string) {
	t.Helper()
	now := w.now()
	consent := store.Consent{Subject: "user/ada", ClientID: id, Resource: "r", Scopes: []string{"read"}, Granted: now}
	family := store.Family{
		ID: "family of " + id, Generation: 1, Created: now, Expires: now.Add(time.Hour),
		Grant: store.Grant{ClientID: id, Subject: "user/ada", Access: []store.Access{{Resource: "r"}}},
	}
	if err := errors.Join(w.store.AddConsent(t.Context(), consent, time.Time{}), w.store.PutFamily(t.Context(), family)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) left(t *testing.T, id string) (f fate) {
	t.Helper()
	_, consentErr := w.store.Consent(t.Context(), store.ConsentKey{Subject: "user/ada", ClientID: id, Resource: "r"})
	_, familyErr := w.store.Family(t.Context(), "family of "+id)
	for _, err := range []error{consentErr, familyErr} {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	return fate{consent: consentErr == nil, family: familyErr == nil}
}
