package oauth

// PeopleFound is the answer of GET /registrar/v1/people: the `sub` of everybody who
// was meant.
type PeopleFound struct {
	Subjects []string `json:"subs"`
	// More: there are others, beside the hundred that are listed.
	More bool `json:"more,omitempty"`
}

// Person is the answer of GET /registrar/v1/people/{sub}: where somebody is signed in,
// and what apps may do for them. Nobody is unknown: who has nothing has empty lists.
type Person struct {
	Subject  string          `json:"sub"`
	Sessions []PersonSession `json:"sessions"`
	// TotalSessions is how many there are; Sessions lists the latest used, at most
	// 100.
	TotalSessions int         `json:"total_sessions"`
	Apps          []PersonApp `json:"apps"`
}

// PersonSession is a browser in which somebody is signed in. Times are Unix seconds.
type PersonSession struct {
	Username string `json:"username,omitempty"`
	// Provider is the name of the upstream provider; absent: a local user.
	Provider   string `json:"provider,omitempty"`
	UserAgent  string `json:"user_agent,omitempty"`
	Address    string `json:"address,omitempty"`
	SignedInAt int64  `json:"signed_in_at"`
	// SeenAt is when the session was used last, to the minute.
	SeenAt int64 `json:"seen_at"`
}

// PersonApp is what an app may do for somebody at a resource.
type PersonApp struct {
	ClientID string   `json:"client_id"`
	Resource string   `json:"resource"`
	Scopes   []string `json:"scopes,omitempty"`
	// RefreshUntil is when the last refresh token ends, in Unix seconds; absent: it
	// has none, and gets access tokens only while the person is there.
	RefreshUntil int64 `json:"refresh_until,omitempty"`
}

// SignedOut is the answer of DELETE /registrar/v1/people/{sub}: what was ended.
type SignedOut struct {
	Subject string `json:"sub"`
	// Sessions at browsers, and Families of tokens: what an app got for one code, its
	// access tokens and, if it may have one, its refresh token.
	Sessions int `json:"sessions"`
	Families int `json:"families"`
}
