package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// What the flows are made of: one app, one API, and as many people as there are
// connections, each signed in and asked already.
const (
	people      = 16
	clientID    = "apps.notes"
	redirectURI = "https://notes.example/callback"
	resource    = "https://api.example"
	scope       = "notes.read"
)

func personID(i int) string              { return fmt.Sprintf("person-%d", i) }
func subjectOf(id string) string         { return oauth.LocalSubject(id) }
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// app that acts for people. It has a secret, and may be disabled.
func app(secret credential.Secret, counter int64, disabled bool) oauth.Registration {
	return oauth.Registration{
		ClientID:                clientID,
		ClientName:              "Notes",
		GrantTypes:              []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken},
		RedirectURIs:            []string{redirectURI},
		Scope:                   scope,
		TokenEndpointAuthMethod: oauth.AuthClientSecretBasic,
		Managed: &oauth.Managed{
			Owner:                 oauth.Owner{Namespace: "apps", Name: "notes", UID: "uid-notes"},
			Counter:               counter,
			Generation:            counter,
			Disabled:              disabled,
			Resources:             []string{resource},
			SecretHashes:          []string{credential.Hash(secret.Reveal())},
			RegistrationTokenHash: credential.Hash("registration " + secret.Reveal()),
		},
	}
}

// promise is what people allow the app under.
var promise = app("", 1, false).ConsentPromise()

// everybody allows the app its scope at the API.
func everybody() policy.Policy {
	return policy.Policy{
		UID: "uid-api", Namespace: "apis", Name: "api", Created: 1, Generation: 1, Resource: resource,
		Scopes: []policy.Scope{{Name: scope, Description: "Read your notes"}},
		Allow:  []policy.Rule{{Scopes: []string{scope}}},
	}
}

// local users: the people.
func local() (*signin.Local, error) {
	hash, err := signin.HashPassword("nobody signs in with this password")
	if err != nil {
		return nil, err
	}
	users := make([]map[string]string, people)
	for i := range users {
		id := personID(i)
		users[i] = map[string]string{"username": id, "id": id, "passwordHash": hash, "name": "Name of " + id, "email": id + "@mail.example"}
	}
	document, err := json.Marshal(map[string]any{"users": users})
	if err != nil {
		return nil, err
	}
	d, err := signin.ParseDirectory(document)
	if err != nil {
		return nil, err
	}
	var l signin.Local
	l.Set(d)
	return &l, nil
}

// signedIn signs a person in, puts a consent of theirs into the store, and returns
// the value of the session's cookie.
func signedIn(ctx context.Context, s store.Flows, l *signin.Local, id string) (credential.Secret, error) {
	now := time.Now()
	person, _, err := l.User(subjectOf(id))
	if err != nil {
		return "", err
	}
	person.AuthTime = now
	browser := signin.Browser{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)", Address: "127.0.0.1"}
	cookie, _, err := signin.Sessions{Store: s, Roster: signin.Roster{Local: l}}.Start(ctx, person, browser, "", now)
	if err != nil {
		return "", err
	}
	return cookie, s.AddConsent(ctx, store.Consent{
		Subject: subjectOf(id), ClientID: clientID, Resource: resource, Promise: promise, Scopes: []string{scope}, Granted: wholeSeconds(now),
	}, time.Time{})
}

// replayedPeople are the callers of the bare store, with records of the size that
// the server writes.
func replayedPeople(ctx context.Context, s store.Store) ([]*replayed, error) {
	if _, _, err := s.Bind(ctx, "keys"); err != nil {
		return nil, err
	}
	keys, err := credential.NewServerKeys(time.Now())
	if err != nil {
		return nil, err
	}
	s.SignWith(func() store.Signer { return keys }, slog.New(slog.DiscardHandler))
	l, err := local()
	if err != nil {
		return nil, err
	}
	all := make([]*replayed, people)
	for i := range all {
		cookie, err := signedIn(ctx, s, l, personID(i))
		if err != nil {
			return nil, err
		}
		p := &replayed{store: s, id: personID(i), session: credential.Hash(cookie.Reveal())}
		p.family = sampleFamily(credential.NewFamilyID(), sampleCode("", subjectOf(p.id), p.session).Grant)
		if err := s.PutFamily(ctx, p.family); err != nil {
			return nil, err
		}
		all[i] = p
	}
	return all, nil
}

func sampleCode(hash, subject, session string) store.Code {
	return store.Code{
		Hash: hash,
		Grant: store.Grant{
			ClientID: clientID, Subject: subject, SessionID: session[:26],
			Access: []store.Access{{Resource: resource, Scopes: []string{scope}}}, AuthTime: time.Now().Unix(),
		},
		RedirectURI: redirectURI,
		Challenge:   challenge,
		FamilyID:    credential.NewFamilyID(),
		Expires:     wholeSeconds(time.Now()).Add(time.Minute),
	}
}

func sampleFamily(id string, g store.Grant) store.Family {
	now := wholeSeconds(time.Now())
	sealed := "1:" + credential.Hash(id)
	return store.Family{
		ID: id, Grant: g, Generation: 1, Current: sealed, Rotations: []store.Rotation{{At: now.Unix(), Key: 1}},
		Created: now, Rotated: now, Expires: now.Add(720 * time.Hour), IdleExpires: now.Add(720 * time.Hour),
	}
}
