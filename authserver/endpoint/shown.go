package endpoint

import (
	"slices"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/web"
)

// accessShown is what stands on the consent page. Of several APIs, what is asked
// about the person is the same at each, and stands there once.
func accessShown(policies *policy.Set, verdict authorize.Verdict) []web.Access {
	var person web.Access
	var all []web.Access
	for _, at := range verdict {
		texts := at.Describe(policies, at.Resource)
		if len(verdict) > 1 {
			var about []signin.ScopeText
			about, texts = divide(texts)
			person.Scopes = merge(person.Scopes, scopesShown(about))
		}
		all = append(all, web.Access{Resource: at.Resource, Scopes: scopesShown(texts)})
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
