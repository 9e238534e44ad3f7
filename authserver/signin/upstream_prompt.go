package signin

import (
	"slices"
	"strings"
)

// The values of prompt that a provider is asked with (OpenID Connect Core, Section
// 3.1.2.1).
const (
	promptLogin         = "login"
	promptSelectAccount = "select_account"
)

// prompt for a provider; empty: it may sign in whomever it likes to.
//
// Every provider knows login. select_account is not for each: many answer it with
// an error, some say beforehand that they do not know it, and login makes them ask
// who it is as well. Both together are for providers that say that they know both:
// of the others some take one value only.
func (p *upstream) prompt(found *discovered, s Start) string {
	var values []string
	if s.Fresh && found.mayKnow(promptLogin) {
		values = append(values, promptLogin)
	}
	choice := s.Choose && found.mayKnow(promptSelectAccount) && !p.discovery().noChoice
	if choice && (len(values) == 0 || found.prompts != nil) {
		values = append(values, promptSelectAccount)
	}
	if s.Choose && len(values) == 0 && found.mayKnow(promptLogin) {
		values = append(values, promptLogin)
	}
	return strings.Join(values, " ")
}

// mayKnow: the provider says that it knows a value of prompt, or does not say.
func (d *discovered) mayKnow(prompt string) bool {
	return d.prompts == nil || slices.Contains(d.prompts, prompt)
}

// noteNoChoice: until its metadata is read again the provider is not asked with
// select_account, so that whoever tries again gets on.
func (p *upstream) noteNoChoice() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known.noChoice = true
}
