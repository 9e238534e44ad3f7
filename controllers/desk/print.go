package desk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/duration"

	"clientele.dev/clientele/authserver/oauth"
)

// maxCell is how many characters of what a client says of itself a table shows.
const maxCell = 40

// printer writes what a person or a script reads.
type printer struct {
	out, notes io.Writer
	json       bool
	now        time.Time
}

func (p printer) list(clients []oauth.SelfRegisteredClient) error {
	if p.json {
		return p.asJSON(struct {
			Clients []oauth.SelfRegisteredClient `json:"clients"`
		}{clients})
	}
	if len(clients) == 0 {
		_, err := fmt.Fprintln(p.notes, "No client registered itself.")
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "CLIENT ID\tNAME\tREDIRECT HOSTS\tREGISTERED BY\tAGE\tLAST USED")
	for _, c := range clients {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ClientID, cell(orDash(c.ClientName)), cell(orDash(strings.Join(hosts(c.RedirectURIs), ","))),
			cell(registrant(c)), p.age(c.RegisteredAt), p.used(c))
	}
	return w.Flush()
}

func (p printer) show(c oauth.SelfRegisteredClient) error {
	if p.json {
		return p.asJSON(c)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	rows := [][2]string{{"Client ID", c.ClientID}, {"Name", orDash(c.ClientName)}}
	for i, uri := range c.RedirectURIs {
		rows = append(rows, [2]string{[]string{"Redirect URIs", ""}[min(i, 1)], uri})
	}
	rows = append(rows,
		[2]string{"Scope", orDash(c.Scope)},
		[2]string{"Registered by", registrant(c)},
		[2]string{"Registered", at(c.RegisteredAt) + ", " + p.age(c.RegisteredAt) + " ago"},
		[2]string{"Last used", p.used(c)},
	)
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%s\n", row[0], clean(row[1]))
	}
	return w.Flush()
}

// revoked says what was ended.
func (p printer) revoked(ended oauth.SelfRevocation) error {
	if p.json {
		return p.asJSON(ended)
	}
	text := "removed; ended with it: " + families(ended.Families) + ", the consents of " + number(ended.People, "person", "people")
	if !ended.Existed {
		text = "there is no such client (any more)"
	}
	_, err := fmt.Fprintf(p.out, "%s: %s\n", ended.ClientID, text)
	return err
}

// person shows where somebody is signed in and what apps may do for them.
func (p printer) person(shown oauth.Person) error {
	if p.json {
		return p.asJSON(shown)
	}
	fmt.Fprintf(p.out, "%s: %s, %s\n", clean(shown.Subject), number(shown.TotalSessions, "session", "sessions"), number(clients(shown.Apps), "app", "apps"))
	w := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	if len(shown.Sessions) > 0 {
		fmt.Fprintln(w, "\nUSER NAME\tPROVIDER\tADDRESS\tSIGNED IN\tLAST USED\tBROWSER")
	}
	for _, s := range shown.Sessions {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cell(orDash(s.Username)), cell(orDash(s.Provider)), cell(orDash(s.Address)),
			p.age(s.SignedInAt)+" ago", p.seen(s.SeenAt), cell(orDash(s.UserAgent)))
	}
	if len(shown.Apps) > 0 {
		fmt.Fprintln(w, "\nCLIENT ID\tRESOURCE\tSCOPES\tREFRESH TOKEN UNTIL")
	}
	for _, a := range shown.Apps {
		until := "-"
		if a.RefreshUntil != 0 {
			until = at(a.RefreshUntil)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", clean(a.ClientID), clean(a.Resource), clean(orDash(strings.Join(a.Scopes, " "))), until)
	}
	return w.Flush()
}

func clients(apps []oauth.PersonApp) int {
	ids := map[string]bool{}
	for _, a := range apps {
		ids[a.ClientID] = true
	}
	return len(ids)
}

// signedOut says what was ended.
func (p printer) signedOut(ended oauth.SignedOut) error {
	if p.json {
		return p.asJSON(ended)
	}
	_, err := fmt.Fprintf(p.out, "%s: signed out; ended: %s, %s\n", clean(ended.Subject),
		number(ended.Sessions, "session", "sessions"), families(ended.Families))
	return err
}

// families of tokens: what an app got for one code.
func families(n int) string {
	return number(n, "token family", "token families") + " (refresh and access tokens)"
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (p printer) asJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (p printer) age(since int64) string {
	return duration.HumanDuration(p.now.Sub(time.Unix(since, 0)))
}

// used is when the client was used last. The server knows it to the day.
func (p printer) used(c oauth.SelfRegisteredClient) string {
	switch {
	case c.UsedAt == 0:
		return "never"
	case p.now.Sub(time.Unix(c.UsedAt, 0)) < 24*time.Hour:
		return "in the last day"
	}
	return p.age(c.UsedAt) + " ago"
}

// seen is when a session was used last. The server knows it to the minute.
func (p printer) seen(last int64) string {
	if p.now.Sub(time.Unix(last, 0)) < 2*time.Minute {
		return "in the last two minutes"
	}
	return p.age(last) + " ago"
}

func at(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("2006-01-02 15:04 UTC") }

func registrant(c oauth.SelfRegisteredClient) string {
	if c.RegisteredBy == "" {
		return "anybody"
	}
	return c.RegisteredBy
}

// hosts are where people are sent back to, each once; of private-use URIs the
// scheme (RFC 8252, Section 7.1).
func hosts(uris []string) []string {
	var all []string
	for _, uri := range uris {
		host := uri
		if u, err := url.Parse(uri); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			host = u.Hostname()
		} else if err == nil {
			host = u.Scheme + ":"
		}
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// clean replaces what could move a terminal's cursor or turn its text round: what
// a client says of itself, anybody wrote.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func cell(s string) string {
	text := []rune(clean(s))
	if len(text) > maxCell {
		return string(text[:maxCell-1]) + "…"
	}
	return string(text)
}
