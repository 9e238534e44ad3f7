package oauth

// SelfRegisteredList is the answer of GET /registrar/v1/self-registered.
type SelfRegisteredList struct {
	StoreID string `json:"store_id"`
	// Total is how many there are, on all pages.
	Total   int                    `json:"total"`
	Clients []SelfRegisteredClient `json:"clients"`
	// Next is the page parameter of the next page; empty on the last.
	Next string `json:"next,omitempty"`
}

// SelfRevocation is the answer of DELETE /registrar/v1/self-registered/{client_id}:
// what was ended.
type SelfRevocation struct {
	ClientID string `json:"client_id"`
	// Existed is false if there was no such client (any more).
	Existed bool `json:"existed"`
	// Families is how many families of tokens were ended (see SignedOut); People how
	// many people's consents.
	Families int `json:"families"`
	People   int `json:"people"`
}

// SelfRegisteredClient is a client that registered itself, as its server's people
// see it. What it says of itself nobody has checked.
type SelfRegisteredClient struct {
	ClientID     string   `json:"client_id"`
	ClientName   string   `json:"client_name,omitempty"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	Scope        string   `json:"scope,omitempty"`
	// RegisteredAt and UsedAt (give or take a day; absent: never), in Unix seconds.
	RegisteredAt int64 `json:"registered_at"`
	UsedAt       int64 `json:"used_at,omitempty"`
	// RegisteredBy is a Kubernetes user name; absent: anybody.
	RegisteredBy string `json:"registered_by,omitempty"`
}
