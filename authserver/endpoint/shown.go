package endpoint

import (
	"encoding/json"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/web"
)

// consentShown is what the consent page says, without its form.
func (s *Server) consentShown(view *View, v visit, verdict authorize.Verdict) web.Consent {
	r := v.request
	absolute, _ := grant.RefreshLifetimes(r.Client, view.terms)
	page := web.Consent{
		App:         s.app(view, r.Client),
		RedirectURI: r.Target.RedirectURI(),
		Person:      person(v.session),
		SwitchURL:   continueURL(view, v.prt) + switchOn,
		AccountURL:  view.base + pathAccount,
		Access:      accessShown(s.Registry.Policies(), view.terms.Issuer, verdict),
		KeepFor:     absolute,
	}
	for _, at := range verdict {
		page.AccessFor = max(page.AccessFor, at.Lifetime)
	}
	return page
}

// consentTerms are what a person allows by the form of a consent page.
type consentTerms struct {
	Client      string        `json:"client"`
	Since       int64         `json:"since"`
	Promise     oauth.Promise `json:"promise"`
	Operator    string        `json:"operator"`
	RedirectURI string        `json:"redirect_uri"`
	Person      string        `json:"person"`
	Access      []accessTerms `json:"access"`
	AccessFor   time.Duration `json:"access_for"`
	KeepFor     time.Duration `json:"keep_for"`
}

type accessTerms struct {
	Resource string `json:"resource"`
	// Scopes by name, with the words that the page has for them.
	Scopes map[string]string `json:"scopes"`
}

// consentDigest is a hash of all that a consent page says, and its form allows nothing
// else: if a policy widens or has other words while the page is open, or the app becomes
// another, nothing is allowed that was not read. What was allowed at another page in the
// meantime makes no difference.
func consentDigest(page web.Consent, c *registry.Client) string {
	terms := consentTerms{
		Client: c.ClientID, Since: c.Since().Unix(), Promise: c.Promise(), Operator: page.App.Operator,
		RedirectURI: page.RedirectURI, Person: page.Person, AccessFor: page.AccessFor, KeepFor: page.KeepFor,
	}
	for _, at := range page.Access {
		scopes := map[string]string{}
		for _, scope := range at.Scopes {
			scopes[scope.Name] = scope.Text
		}
		terms.Access = append(terms.Access, accessTerms{at.Resource, scopes})
	}
	text, _ := json.Marshal(terms) // cannot fail: texts, numbers, and lists and maps of them
	return credential.Hash(string(text))
}

// accessShown is what stands on the consent page. What is about the person is the same at
// several APIs, and stands there once; at the issuer there is nothing else.
func accessShown(policies *policy.Set, issuer string, verdict authorize.Verdict) []web.Access {
	var person web.Access
	var all []web.Access
	for _, at := range verdict {
		texts := signin.Describe(policies, at.Resource, at.Granted, at.Missing)
		if len(verdict) > 1 || at.Resource == issuer {
			var about []signin.ScopeText
			about, texts = divide(texts)
			person.Scopes = merge(person.Scopes, scopesShown(about))
		}
		if len(texts) > 0 {
			all = append(all, web.Access{Resource: at.Resource, Scopes: scopesShown(texts)})
		}
	}
	if len(person.Scopes) > 0 {
		all = slices.Insert(all, 0, person)
	}
	return all
}

// divide tells the scopes about the person from those of the API.
func divide(texts []signin.ScopeText) (person, api []signin.ScopeText) {
	for _, text := range texts {
		if text.Identity {
			person = append(person, text)
		} else {
			api = append(api, text)
		}
	}
	return person, api
}

// merge adds scopes that are not there yet; one is known only if it is everywhere.
func merge(scopes, more []web.Scope) []web.Scope {
	for _, m := range more {
		at := slices.IndexFunc(scopes, func(s web.Scope) bool { return s.Name == m.Name })
		if at < 0 {
			scopes = append(scopes, m)
			continue
		}
		scopes[at].Known = scopes[at].Known && m.Known
	}
	return scopes
}

func scopesShown(texts []signin.ScopeText) []web.Scope {
	var out []web.Scope
	for _, text := range texts {
		out = append(out, web.Scope{Name: text.Name, Text: text.Text, Known: text.Known})
	}
	return out
}
