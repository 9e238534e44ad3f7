package signin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// device is a browser in which somebody signed in with a password before. Whoever
// knows a user name can use up the guesses that everybody has for it, from many
// addresses; the browsers that its owner uses have guesses of their own, so that
// this locks the owner out of none of them.
//
// It lies sealed in a cookie and nowhere else. It opens nothing: the password is
// asked for as always.
type device struct {
	// Username that was signed in with, folded.
	Username string `json:"u"`
	// ID tells one from another.
	ID      string `json:"i"`
	Expires int64  `json:"e"`
}

const (
	deviceLifetime = 90 * 24 * time.Hour
	devicePurpose  = "known device"
	deviceCookie   = "device"
)

// Device is the cookie of a browser in which somebody has just signed in with this
// user name. A browser has one: that of the last.
func (c Cookies) Device(keys credential.ServerKeys, username string, now time.Time) (*http.Cookie, error) {
	data, err := json.Marshal(device{store.FoldUsername(username), credential.NewID(), now.Add(deviceLifetime).Unix()})
	if err != nil {
		return nil, err
	}
	sealed, err := keys.SealBox(devicePurpose, data)
	if err != nil {
		return nil, err
	}
	return c.cookie(deviceCookie, sealed, deviceLifetime), nil
}

// ReadDevice returns the id of the browser of a request if this user signed in there
// before, "" otherwise.
func (c Cookies) ReadDevice(r *http.Request, keys credential.ServerKeys, username string, now time.Time) string {
	data, err := keys.OpenBox(devicePurpose, c.read(r, deviceCookie).Reveal())
	if err != nil {
		return ""
	}
	var d device
	if err := json.Unmarshal(data, &d); err != nil || now.Unix() >= d.Expires || d.Username != store.FoldUsername(strings.TrimSpace(username)) {
		return ""
	}
	return d.ID
}
