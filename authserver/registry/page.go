package registry

import (
	"encoding/base64"
	"encoding/json"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
)

const (
	pageDomain = "clientele/registrar/page"
	// maxPageToken in bytes: a client id has 255 at most, the rest is short.
	maxPageToken = 1024
)

// pageStart is where a page of the inventory begins, and what it is a page of.
type pageStart struct {
	Cluster  string `json:"c"`
	StoreID  string `json:"s"`
	Revision int64  `json:"r"`
	After    string `json:"a"` // client id
}

// pageToken is a pageStart with what proves that it was made here.
type pageToken struct {
	Start json.RawMessage `json:"p"`
	MAC   string          `json:"m"`
}

func sealPage(keys credential.ServerKeys, at pageStart) string {
	start, err := json.Marshal(at)
	if err != nil { // strings and a number: cannot happen
		return ""
	}
	token, err := json.Marshal(pageToken{Start: start, MAC: keys.MAC(pageDomain, start)})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(token)
}

// openPage checks that a page token was made here, for this cluster and store.
func openPage(keys credential.ServerKeys, page, cluster, storeID string) (pageStart, error) {
	var token pageToken
	var at pageStart
	raw, err := base64.RawURLEncoding.Strict().DecodeString(page)
	if err != nil || len(page) > maxPageToken || json.Unmarshal(raw, &token) != nil ||
		!keys.VerifyMAC(token.MAC, pageDomain, token.Start) || json.Unmarshal(token.Start, &at) != nil ||
		at.Cluster != cluster {
		return pageStart{}, oauth.InvalidRequest("page is not a token that this server made for you: start again without it")
	}
	if at.StoreID != storeID {
		return pageStart{}, oauth.InvalidRequest("page is of an earlier store: start again without it")
	}
	return at, nil
}
